#!/usr/bin/env python3
"""The include-graph picture in docs/ shows the tree as it is."""
import sys

import graph

sys.argv.append("--check")
sys.exit(graph.main())
