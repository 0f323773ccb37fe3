#!/usr/bin/env python3
"""Clients that other people wrote, against frys-kernel with one and two threads: redis-cli, redis-benchmark, and, where
FRYS_LONG is 1, ioredis and node-redis from npm (installed into a scratch directory). Exit 77: none of them is here."""
import os
import shutil
import subprocess
import sys

from frys_kernel import Kernel, scratch_directory

NODE = r"""
const port = Number(process.argv[2]);
const same = (a, b) => { if (JSON.stringify(a) !== JSON.stringify(b)) throw new Error(JSON.stringify(a) + ' is not ' + JSON.stringify(b)); };
async function ioredis() {
  const Redis = require('ioredis');
  const c = new Redis(port), s = new Redis(port);
  same(await c.set('k', 'v', 'EX', 100), 'OK'); same(await c.get('k'), 'v'); same(await c.incr('n'), 1);
  same(await c.mget('k', 'n', 'missing'), ['v', '1', null]);
  const p = c.pipeline(); for (let i = 0; i < 500; i++) p.set('p' + i, i);
  same((await p.exec()).every(([e, r]) => e === null && r === 'OK'), true);
  same(await c.get('p499'), '499');
  const heard = new Promise(done => s.on('message', (ch, m) => done([ch, m])));
  await s.subscribe('news'); same(await c.publish('news', 'hi'), 1); same(await heard, ['news', 'hi']);
  let error = ''; try { await c.call('NOSUCH', 'x'); } catch (e) { error = e.message; }
  same(error.startsWith("ERR unknown command 'NOSUCH'"), true);
  await c.quit(); s.disconnect();
}
async function nodeRedis() {
  const { createClient } = require('redis');
  for (const RESP of [2, 3]) {
    const c = await createClient({ url: 'redis://127.0.0.1:' + port, RESP }).on('error', e => { throw e; }).connect();
    same(await c.set('k2', 'v2'), 'OK'); same(await c.get('k2'), 'v2'); same(await c.del(['k2', 'k']) >= 1, true);
    same(await Promise.all([...Array(300).keys()].map(i => c.set('q' + i, String(i)))).then(r => r.every(x => x === 'OK')), true);
    same(await c.ttl('q1'), -1);
    const s = await c.duplicate().connect();
    let got; const heard = new Promise(done => got = done);
    await s.subscribe('chat', m => got(m)); await c.publish('chat', 'hello'); same(await heard, 'hello');
    await s.close(); await c.close();
  }
}
ioredis().then(nodeRedis).then(() => { console.log('npm clients agree'); process.exit(0); }, e => { console.error(e); process.exit(1); });
"""


def run(*command, **more):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=120, **more)


def main():
    directory = scratch_directory("clients")
    tried, failed = 0, 0

    def judge(what, good, detail=""):
        nonlocal tried, failed
        tried += 1
        failed += not good
        print("%s  %s%s" % ("ok  " if good else "FAIL", what, "" if good else ": " + detail))

    npm = os.environ.get("FRYS_LONG") == "1" and shutil.which("npm") and shutil.which("node")
    if npm:
        installed = run("npm", "install", "--no-audit", "--no-fund", "--prefix", directory, "ioredis@5", "redis@5")
        judge("npm installs ioredis and redis", installed.returncode == 0, installed.stderr)
        (directory / "clients.js").write_text(NODE)
    for threads in (1, 2):
        kernel = Kernel(directory / ("data%d" % threads), "--threads", threads, "--durability", "process")
        kernel.start()
        label = "--threads %d: " % threads
        try:
            if shutil.which("redis-cli"):
                cli = ("redis-cli", "-p", kernel.port)
                judge(label + "redis-cli sets and gets", run(*cli, "set", "a", "1").stdout == "OK\n" and
                      run(*cli, "get", "a").stdout == "1\n")
                judge(label + "redis-cli -3", run(*cli, "-3", "get", "a").stdout == "1\n")
                judge(label + "redis-cli --scan", run(*cli, "--scan").stdout == "a\n")
                judge(label + "redis-cli with a pipe of commands", run(
                    *cli, input="set b 2\nmget a b\nincr b\n").stdout == "OK\n1\n2\n3\n")
                bulk = "".join("*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$1\r\nx\r\n" % (len(k), k) for k in
                               ("mass%d" % i for i in range(5000)))
                mass = run(*cli, "--pipe", input=bulk)
                judge(label + "redis-cli --pipe", "errors: 0, replies: 5000" in mass.stdout, mass.stdout)
                judge(label + "redis-cli --bigkeys", run(*cli, "--bigkeys").returncode == 0)
            if shutil.which("redis-benchmark"):
                for extra in ([], ["-P", "16"], ["--threads", "2", "-3"]):
                    out = run("redis-benchmark", "-p", kernel.port, "-t", "ping,set,get,incr,mset", "-n", 2000, "-c", 20,
                              "-r", 1000, "--csv", *extra)
                    judge(label + "redis-benchmark " + " ".join(extra), out.returncode == 0 and '"MSET' in out.stdout and
                          "rror" not in out.stderr + out.stdout, out.stdout + out.stderr)
            if npm:
                out = run("node", directory / "clients.js", kernel.port, cwd=directory)
                judge(label + "ioredis and node-redis", out.returncode == 0, out.stderr)
            judge(label + "SIGTERM ends it with 0", kernel.stop() == 0)
        finally:
            kernel.kill()
    shutil.rmtree(directory, ignore_errors=True)
    if tried <= 2:
        print("skipped: neither redis-cli nor redis-benchmark is installed (apt package redis-tools)")
        return 77
    print("%d passed, %d failed" % (tried - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
