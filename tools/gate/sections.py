"""What the gate runs, in this order. A new suite is one line here."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

# Built before the sections that use them, so that a section's time is its own. Kubernetes alone takes minutes.
PROGRAMS = (
    *("kubernetes", "etcd", "containerd", "cni-plugins", "coredns", "metrics-server", "traefik"),
    *("helm", "helm3", "helm-unittest", "kubeconform", "chart-testing", "argo-cd"),
    *("minio", "fake-gcs-server", "azurite", "oci-registry"),
)


@dataclass(frozen=True)
class Section:
    """One command that passes or fails."""

    name: str
    command: Sequence[str]
    minutes: float
    needs: tuple[str, ...] = ()  # sections without which this one says nothing new
    undo: Section | None = None  # run at the end whatever happened, also after an interruption
    landing: bool = (
        True  # else run by its name, or by `all`: too new or too long to stand in the way of a landing
    )


def make(
    target: str, minutes: float, *needs: str, undo: Section | None = None, landing: bool = True
) -> Section:
    """Return the section that runs one target of the Makefile."""
    return Section(target, ("make", target), minutes, needs, undo, landing)


def tools(name: str, *arguments: str, minutes: float) -> Section:
    """Return the section that runs a command of this repository's tools, with nothing but Python installed."""
    return Section(name, (sys.executable, "-m", "tools", *arguments), minutes)


SECTIONS = (
    make("setup", 10),
    make("lint", 10, "setup"),
    make("verify", 5, "setup"),
    make("test", 20, "setup"),
    make("test-slow", 25, "setup", landing=False),
    tools("packages", "packages", "--install", minutes=15),
    tools("programs", "build", *PROGRAMS, minutes=50),
    make("images", 20, "setup", "packages"),
    # The end of the cluster fails when anything of it is left.
    make("cluster", 10, "setup", "packages", "programs", undo=make("cluster-down", 3)),
    make("e2e", 35, "images", "cluster"),
    make("test-releases", 25, "images", "cluster", landing=False),
    make("test-gitops", 15, "images", "cluster", landing=False),
    make("chart-testing", 30, "images", "cluster"),
    make("test-apiserver", 15, "setup", "programs", landing=False),
    make("test-helm", 10, "setup", "programs"),
    make("test-storage", 20, "setup", "packages", "programs"),
    make("test-chart", 15, "setup", "programs", landing=False),
    make("chart", 10, "setup", "programs"),
)
