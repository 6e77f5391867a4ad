"""Power supplies of namespace hosts behind real baseboard controllers: `ipmi_sim`, which `fence_ipmilan` talks to.

A controller lives on the switch, with an address of its own: it answers while its host is dead.
"""

from __future__ import annotations

import subprocess
from contextlib import ExitStack
from pathlib import Path

from tests.e2e.harness import environment
from tests.e2e.netns import Host, Network, ip
from tests.e2e.waiting import wait_until


CHASSIS = Path(__file__).resolve().parent / "chassis"
USER, PASSWORD = "hafence", "s3cret"
START_LIMIT_S = 20.0
END_LIMIT_S = 10.0
LAN = """\
name "{name}"
set_working_mc 0x20
  startlan 1
    addr {address} 623
    priv_limit admin
    allowed_auths_callback none md2 md5 straight
    allowed_auths_user none md2 md5 straight
    allowed_auths_operator none md2 md5 straight
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcd{number:02x}
  endlan
  chassis_control "{chassis} {supply}"
  startnow false
  user 1 true "" "test" user 10 none md2 md5 straight
  user 2 true "{user}" "{password}" admin 10 none md2 md5 straight
"""
EMULATION = """\
mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
mc_enable 0x20
"""


class Bmc:
    """One controller with one supply; a context manager."""

    __slots__ = ("_network", "_number", "_process", "address", "folder", "host", "name", "supply")

    def __init__(self, network: Network, host: Host, number: int, folder: Path, supply: int) -> None:
        self._network = network
        self._number = number
        self._process: subprocess.Popen[bytes] | None = None
        self.host = host
        self.name = f"{host.name}-{supply}"
        self.address = f"{network.power_net}.{200 + number}"
        self.folder = folder / self.name
        self.supply = folder / host.name / f"supply{supply}"

    def __enter__(self) -> Bmc:
        state = self.folder / "state"
        state.mkdir(parents=True)
        self.supply.parent.mkdir(exist_ok=True)
        self.supply.write_text("1\n")
        switch, port = self.host.wire
        wires = {"switch": switch, "port": port, "booted": self.host.disk / "booted"}
        (self.supply.parent / "wires").write_text("".join(f"{name}='{value}'\n" for name, value in wires.items()))
        lan = LAN.format(
            name=self.name,
            number=self._number,
            address=self.address,
            chassis=CHASSIS,
            supply=self.supply,
            user=USER,
            password=PASSWORD,
        )
        (self.folder / "lan.conf").write_text(lan)
        (self.folder / "bmc.emu").write_text(EMULATION)
        ip(self._network.switch, f"address add {self.address}/24 dev {self._network.power_bridge}")
        self.start()
        wait_until(self.answers, START_LIMIT_S, f"the controller {self.name} answers", 0.1)
        return self

    def start(self) -> None:
        """Run the controller, which knows its supply's state; it answers soon."""
        state = self.folder / "state"
        files = ("-c", self.folder / "lan.conf", "-f", self.folder / "bmc.emu", "-s", state)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["ip", "netns", "exec", self._network.switch, "ipmi_sim", "-n", *map(str, files)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Of the controller; 0 while it is dead."""
        return 0 if self._process is None else self._process.pid

    def __exit__(self, *_: object) -> None:
        self.end()

    def answers(self) -> bool:
        """Does it tell the state of its supply?"""
        where = ["-I", "lanplus", "-C", "3", "-H", self.address, "-U", USER, "-P", PASSWORD]
        called = subprocess.run(
            ["ip", "netns", "exec", self._network.switch, "ipmitool", *where, "chassis", "power", "status"],
            capture_output=True,
            check=False,
            timeout=END_LIMIT_S,
            env=environment(),
        )
        return called.returncode == 0

    def end(self) -> None:
        """The controller is dead; its supply stays as it is."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(END_LIMIT_S)
            self._process = None

    @property
    def is_on(self) -> bool:
        """Does its supply give power?"""
        return self.supply.read_text().strip() == "1"


class Bmcs:
    """Controllers of all hosts, one for each supply; a context manager."""

    def __init__(self, network: Network, folder: Path, supplies: int = 1) -> None:
        self._stack = ExitStack()
        self.of: dict[str, tuple[Bmc, ...]] = {}
        number = 0
        for name, host in network.hosts.items():
            found = []
            for supply in range(1, supplies + 1):
                number += 1
                found.append(Bmc(network, host, number, folder, supply))
            self.of[name] = tuple(found)

    def __enter__(self) -> Bmcs:
        with ExitStack() as stack:
            for bmcs in self.of.values():
                for bmc in bmcs:
                    stack.enter_context(bmc)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def devices(self, **more: str) -> str:
        """The configuration of a fencing device for each supply: `fence-NODE-SUPPLY`."""
        lines = []
        for name, bmcs in self.of.items():
            for bmc in bmcs:
                params = {
                    "ip": bmc.address,
                    "username": USER,
                    "password": PASSWORD,
                    "lanplus": "1",
                    "cipher": "3",
                    "pcmk_host_list": name,
                    **more,
                }
                words = " ".join(f'{key}="{value}"' for key, value in params.items())
                lines.append(f"primitive fence-{bmc.name} stonith:fence_ipmilan params {words} op monitor interval=60s")
        return "\n".join([*lines, ""])

    def is_dead(self, name: str) -> bool:
        """Is every supply of the host off, and everything that ran there gone?"""
        return not any(bmc.is_on for bmc in self.of[name]) and not self.of[name][0].host.pid
