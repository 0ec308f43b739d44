"""What may write to the repository by itself is pinned, holds no secret, and publishes nothing."""

from __future__ import annotations

import re

import yaml

from local.sam import ROOT

RELEASE = (ROOT / ".github" / "workflows" / "release.yml").read_text()
PUBLISH = (ROOT / ".ci" / "publish").read_text()


def test_the_release_workflow_runs_only_what_is_pinned_by_hash() -> None:
    actions = re.findall(r"uses: (\S+)", RELEASE)

    assert actions
    assert all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", each) for each in actions)


def test_it_has_no_secret_and_only_the_draft_may_write() -> None:
    workflow = yaml.safe_load(RELEASE)

    assert "secrets." not in RELEASE
    assert workflow["permissions"] == {}
    assert {name: job["permissions"] for name, job in workflow["jobs"].items()} == {
        "build": {"contents": "read"}, "draft": {"contents": "write"},
    }  # fmt: skip


def test_it_checks_everything_before_it_builds_and_leaves_a_draft() -> None:
    build, draft = (yaml.safe_load(RELEASE)["jobs"][name] for name in ("build", "draft"))

    assert [step["run"] for step in build["steps"] if "run" in step] == [".ci/run", "make release"]
    assert draft["needs"] == "build"
    assert "gh release create" in PUBLISH
    assert "--draft" in PUBLISH
