#!/usr/bin/env bash
# The cross-compilation check, and a test program run on an emulated aarch64.
exec bash "$(dirname "$0")/check_cross.sh" --run
