#!/usr/bin/env python3
"""Draws what the demo printed as an SVG of a terminal: examples/run.sh --once | picture.py > docs/demo.svg"""
import html
import sys

lines = [l.rstrip() for l in sys.stdin.read().strip("\n").splitlines()]
size, step = 13, 18
width = max(map(len, lines)) * size * 0.602 + 40
height = len(lines) * step + 60
out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="The demo in a terminal">' % (width, height),
       '<rect width="100%" height="100%" rx="8" fill="#16181d"/>']
for i, colour in enumerate(("#e0605e", "#dcb34f", "#62b06b")):
    out.append('<circle cx="%d" cy="18" r="5" fill="%s"/>' % (20 + i * 18, colour))
out.append('<g font-family="ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace" font-size="%d" fill="#d6dae3">' % size)
for i, line in enumerate(lines):
    heading = line[:1].isdigit() or line.startswith("  figure")
    out.append('<text x="20" y="%d" xml:space="preserve"%s>%s</text>' %
               (48 + i * step, ' fill="#8fc7ff"' if heading else "", html.escape(line)))
out.append("</g></svg>")
print("\n".join(out))
