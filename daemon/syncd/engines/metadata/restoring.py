"""Publishing a snapshot again. It holds until somebody asks for a refresh: the next check would replace it at once."""

from dataclasses import replace

from syncd.domain.audit import Entry
from syncd.domain.errors import NotFound
from syncd.engines.metadata import snapshots
from syncd.engines.metadata.publishing import Content, Published, digest
from syncd.engines.metadata.rendering import read
from syncd.engines.metadata.work import Work
from syncd.ports.running import Report


async def restore(work: Work) -> Report:
    """Publish the snapshot that the parameter names. Raises `NotFound`, and `TargetMismatch` if it holds no description."""
    publisher, number = work.publisher, work.context.run.parameters.get("snapshot", "")
    found = await snapshots.find(publisher.store, publisher.object, number)
    stored = await publisher.store.get(found.name)
    if stored is None:
        raise NotFound(f"the snapshot '{number}' has just been removed", code="snapshot.unknown")
    cache = read(stored.content)
    sidecar = await publisher.sidecar_of(stored.content)

    async def make(before: Published) -> Content | None:
        same = before.stored is not None and before.stored.content == stored.content
        return None if same else Content(stored.content, sidecar)

    done = await publisher.publish(make)
    info = done.info or (done.before.stored.info if done.before.stored else stored.info)
    now = replace(
        work.standing,
        pinned=number,
        generation=info.generation,
        sha256=digest(stored.content),
        size=len(stored.content),
        method=cache.generation_method,
        published_at=info.updated_at.isoformat(),
    )
    entry = Entry("metadata.restored", detail={"snapshot": number, "generation": info.generation})
    await work.write(now, (entry,))
    return Report({"restored": number, "published": info.generation})
