#!/usr/bin/env python3
"""Every code block of README and docs equals the region of the built file that it names."""
import sys

import snippets

sys.exit(snippets.main())
