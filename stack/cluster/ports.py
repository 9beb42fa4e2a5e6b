"""The ports that the parts of the cluster use among themselves."""

from dataclasses import dataclass

BROKERS = (1, 2, 3)
WORKERS = (1, 2)
COUNT = 16


@dataclass(frozen=True)
class Ports:
    """Ports on loopback, from `first` on. Clients know none of them."""

    first: int

    def controller(self, broker: int) -> int:
        """Of the KRaft controller in a broker's process."""
        return self.first + broker - 1

    def among_brokers(self, broker: int) -> int:
        """Where other brokers reach a broker; so does who manages the cluster's principals."""
        return self.first + 3 + broker - 1

    def worker(self, number: int) -> int:
        """Of a Connect worker."""
        return self.first + 6 + number - 1

    @property
    def registry(self) -> int:
        """Of the registry, behind the proxy."""
        return self.first + 8

    @property
    def gateway(self) -> int:
        """Of Flink's SQL gateway, behind the proxy."""
        return self.first + 9

    @property
    def flink(self) -> int:
        """Of Flink's REST API, behind the proxy."""
        return self.first + 10

    @property
    def job_manager(self) -> int:
        """Where Flink's task managers reach the job manager."""
        return self.first + 11

    @property
    def spark(self) -> int:
        """Of the web page of Spark's master."""
        return self.first + 12
