"""How much memory a worker takes, and whether it goes on growing."""

from __future__ import annotations

import json
import subprocess
import sys

import boto3

from local.bench.ground import Papers, add_papers, as_event, check_deposited, queued
from local.bench.result import Figure, Result
from local.bench.stage import Stage
from local.invoices import pad_to, render, sample_invoice
from local.sam import ROOT, load_template
from local.world.levers import World
from local.world.stack import create_bucket

BATCH = 10
BUCKET = "bench"
SPARE = 0.3
FLAT = 1.1
KIBIBYTES = 1024  # in a MiB
# A process with nothing in it but the function, called as Lambda calls it; sizes after each batch, from the kernel.
WORKER = """
import json, re, sys
from functions.submit_invoices.app import handler
def kibibytes(name):
    return int(re.search(name + r":\\s+(\\d+) kB", open("/proc/self/status").read())[1])
sizes = []
for event in json.load(sys.stdin):
    assert not handler(event, None)["batchItemFailures"]
    sizes.append(kibibytes("VmRSS"))
print(json.dumps([sizes, kibibytes("VmHWM")]), file=sys.stderr)
"""


def memory(stage: Stage, scale: float) -> Result:
    """2,000 invoices of 200 kB, then 20 of 50 MB, from the emulator's S3, each by a fresh worker."""
    many, large = max(40, round(2000 * scale)), max(2, round(20 * scale))
    limit = _memory_mib()
    with stage.world() as world:
        create_bucket(world.aws, BUCKET)
        sizes, peak = _worked(world, many, 200_000, "M")
        _, large_peak = _worked(world, large, 50_000_000, "L")
        check_deposited(world, many + large)
    early, late = sizes[len(sizes) // 4] / KIBIBYTES, sizes[-1] / KIBIBYTES
    goal = limit * (1 - SPARE)
    figures = (
        Figure("200 kB each", f"peak {peak / KIBIBYTES:.0f} MiB", f"template {limit} MB", peak / KIBIBYTES, goal, "at most", "MiB"),
        Figure("50 MB each", f"peak {large_peak / KIBIBYTES:.0f} MiB", f"template {limit} MB", large_peak / KIBIBYTES,
               goal, "at most", "MiB"),
        Figure("growth", f"{late:.1f} MiB at the end", f"{early:.1f} MiB after a quarter", late / early, FLAT, "at most", "×"),
    )  # fmt: skip
    series = {"resident MiB|invoices": [(float(BATCH * (n + 1)), s / KIBIBYTES) for n, s in enumerate(sizes)]}
    how = (
        f"{many:,} invoices of 200 kB and {large} of 50 MB in batches of {BATCH} by a fresh process each, documents from S3; "
        "resident memory as the kernel counts it, Lambda's own runtime not included"
    )
    return Result(figures, how, series=series, facts={"worker MB": float(limit)})


def _worked(world: World, count: int, size_bytes: int, mark: str) -> tuple[list[int], int]:
    """Resident kB after each batch, and the peak."""
    invoice = sample_invoice(0)
    papers = Papers(
        tuple(f"{mark}-{n:010d}" for n in range(count)), tuple(f"s3://{BUCKET}/{mark}{n}.xml" for n in range(count))
    )
    s3, padded = boto3.client("s3"), pad_to(render(invoice, "cii"), size_bytes)
    for number, uri in zip(papers.numbers, papers.uris, strict=True):
        body = padded.replace(invoice.number.encode(), number.encode())
        s3.put_object(Bucket=BUCKET, Key=uri.rpartition("/")[2], Body=body)
    add_papers(world.database, papers)
    ids = queued(world)
    batches = [as_event(ids[start : start + BATCH]) for start in range(0, len(ids), BATCH)]
    ran = subprocess.run(
        [sys.executable, "-c", WORKER], cwd=ROOT, input=json.dumps(batches), capture_output=True, text=True, check=False
    )
    if ran.returncode:
        raise RuntimeError(f"the worker failed:\n{ran.stderr[-2000:]}")
    sizes, peak = json.loads(ran.stderr.splitlines()[-1])
    return sizes, peak


def _memory_mib() -> int:
    """What the template gives the function."""
    return int(load_template()["Resources"]["SubmitInvoicesFunction"]["Properties"]["MemorySize"])
