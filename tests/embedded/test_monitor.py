"""make monitor, in a terminal of its own."""

from tests.support import terminal
from tests.support.embedded import TARGET
from tests.support.workspace import Workspace


def test_the_cluster_and_the_avro_of_a_topic_are_shown(widgets: Workspace) -> None:
    name = next((widgets.root / "schemas").glob("*.avsc")).stem
    widgets.ok("deploy")
    with terminal.monitor(TARGET) as shown:
        terminal.await_text(shown, name)
    with terminal.monitor(TARGET, name) as shown:
        terminal.await_text(shown, "{'id': 'W")
