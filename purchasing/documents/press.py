"""The press: a process of its own that reads a job from standard input and writes the PDF to standard output.

typst keeps what it has computed for the next document: thirty orders of 1,000 lines left 1.8 GB in the process. Only
its end gives that back, and starting one costs 50 ms. It also can be stopped, and needs no secret of ours.
"""

import contextlib
import json
import resource
import sys

import typst

MEMORY = 3 << 30  # bytes; 3,000 lines take 0.5 GB


def main() -> int:
    """Print the job; 1 and the reason on standard error when typst refuses."""
    with contextlib.suppress(ValueError, OSError):  # macOS knows no such limit
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    job = json.load(sys.stdin.buffer)
    template = job["template"]
    try:
        printed = typst.compile(
            template,
            root=template,  # no folder: what a template might read, import or fetch is not there
            package_path=template,
            package_cache_path=template,
            font_paths=typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[job["fonts"]]),
            sys_inputs={"data": job["data"]},
            pdf_standards="ua-1",
            timestamp=job["timestamp"],
        )
    except typst.TypstError as error:
        sys.stderr.write(error.diagnostic)
        return 1
    sys.stdout.buffer.write(printed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
