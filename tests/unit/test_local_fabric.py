"""A native network before anything runs: programs, configuration, package, builder, wallet, what is kept."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from streams.chaincode.attributes import attributes_of
from streams.errors import CredentialsInvalid, StackFailed
from streams.fabric.wallet import load_identity
from streams.local.fabric.command import command
from streams.local.fabric.layout import GATEWAY_ORGANISATION, ORGANISATIONS, PORT_NAMES, Layout
from streams.local.fabric.material import make_package, package_id, write_configuration
from streams.local.fabric.network import NativeNetwork, NetworkOptions
from streams.local.fabric.programs import PROGRAMS, find_programs
from streams.local.fabric.wallet import fill_wallet
from streams.local.ledgers import LedgerOptions, choose_ledger, require
from streams.local.paths import LocalPaths
from streams.simulator.certificates import Authority

OPTIONS = NetworkOptions(
    identities={"org1-admin": "gx_admin"}, roles="operations", block_interval_s=0.2, block_max_messages=500
)


def programs_in(folder: Path, version: str = "2.5.16", without: str = "") -> Path:
    """A folder of programs that tell that version."""
    folder.mkdir(parents=True)
    for name in PROGRAMS:
        if name != without:
            (folder / name).write_text(f"#!/bin/sh\necho {name}:\necho ' Version: {version}'\n")
            (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    root = tmp_path / 'with "quotes": and spaces'
    root.mkdir()
    return Layout(root=root, ports={name: 20_000 + number for number, name in enumerate(PORT_NAMES)})


class TestPrograms:
    def test_they_are_found_in_their_folder_before_the_path(self, tmp_path: Path) -> None:
        own, path = programs_in(tmp_path / "own"), programs_in(tmp_path / "path", version="v2.5.1")
        both = find_programs({"FABRIC_BIN": str(own), "PATH": f"{path}:/usr/bin:/bin"})
        assert both == {name: own / name for name in PROGRAMS}
        assert find_programs({"PATH": f"{path}:/usr/bin:/bin"})["peer"] == path / "peer"

    def test_one_line_says_which_are_missing_and_where_they_come_from(self, tmp_path: Path) -> None:
        folder = programs_in(tmp_path / "own", without="osnadmin")
        with pytest.raises(StackFailed) as failed:
            find_programs({"FABRIC_BIN": str(folder)})
        assert str(failed.value).startswith(
            f"--ledger native needs osnadmin of Hyperledger Fabric 2.5.x, neither in FABRIC_BIN ({folder}) nor on PATH"
        )
        assert "official releases of hyperledger/fabric" in str(failed.value)
        assert "\n" not in str(failed.value)
        with pytest.raises(
            StackFailed, match=r"needs peer, orderer, configtxgen, cryptogen and osnadmin of.*\(not set\)"
        ):
            find_programs({})

    @pytest.mark.parametrize("version", ["3.0.0", "2.4.9", "latest"])
    def test_another_release_is_refused(self, tmp_path: Path, version: str) -> None:
        folder = programs_in(tmp_path / "own", version=version)
        with pytest.raises(StackFailed, match=f"peer is of version {version}; .* needs Hyperledger Fabric 2.5.x"):
            find_programs({"FABRIC_BIN": str(folder)})

    def test_a_program_that_cannot_run_is_refused(self, tmp_path: Path) -> None:
        folder = programs_in(tmp_path / "own")
        (folder / "peer").write_text("#!/bin/sh\nexit 3\n")
        with pytest.raises(StackFailed, match="peer does not tell its version"):
            find_programs({"FABRIC_BIN": str(folder)})

    def test_nothing_is_started_without_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "")
        monkeypatch.delenv("FABRIC_BIN", raising=False)
        with pytest.raises(StackFailed, match="--ledger native needs"):
            require("native")
        with pytest.raises(StackFailed, match="no ledger is called 'other': choose one of simulator, native"):
            require("other")

    def test_they_see_nothing_of_the_environment_but_what_is_theirs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CORE_PEER_LOCALMSPID", "of a tutorial")
        argv = command(Path("/usr/bin/env"), configuration=Path("/configuration"), CORE_PEER_ID="p")
        seen = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
        names = {line.partition("=")[0] for line in seen}
        assert names == {"PATH", "FABRIC_CFG_PATH", "FABRIC_LOGGING_SPEC", "FABRIC_LOGGING_FORMAT", "CORE_PEER_ID"}


class TestMaterial:
    def test_every_peer_and_the_orderer_listen_at_their_own_ports(self, layout: Layout) -> None:
        write_configuration(layout)
        written = {
            part: next(layout.configuration(part).iterdir()).read_text()
            for part in ("orderer", *(org.process for org in ORGANISATIONS))
        }
        for name, port in layout.ports.items():
            if name != "chaincode":
                [holder] = [part for part, text in written.items() if str(port) in text]
                assert name.startswith(holder)
        for text in written.values():
            assert "@{" not in text
            assert json.dumps(str(layout.root))[1:-1] in text

    def test_the_package_holds_the_address_and_its_id_the_hash(self, layout: Layout) -> None:
        make_package(layout)
        with tarfile.open(layout.package) as package:
            metadata = json.load(package.extractfile("metadata.json") or io.BytesIO())
            code = package.extractfile("code.tar.gz") or io.BytesIO()
            with tarfile.open(fileobj=code) as packed:
                connection = json.load(packed.extractfile("connection.json") or io.BytesIO())
        assert metadata == {"type": "ccaas", "label": "gxtv3_1"}
        assert connection["address"] == layout.address("chaincode")
        assert package_id(layout) == package_id(layout)
        assert package_id(layout).startswith("gxtv3_1:")

    @pytest.mark.parametrize(("kind", "taken"), [("ccaas", True), ("golang", False)])
    def test_the_builder_takes_services_and_nothing_else(self, layout: Layout, kind: str, taken: bool) -> None:
        write_configuration(layout)
        metadata = layout.root / "metadata"
        metadata.mkdir()
        (metadata / "metadata.json").write_text(json.dumps({"type": kind, "label": "gxtv3_1"}))
        detect = subprocess.run([layout.builder / "bin" / "detect", layout.root, metadata], check=False)
        assert (detect.returncode == 0) is taken

    def test_the_builder_hands_the_address_through(self, layout: Layout) -> None:
        write_configuration(layout)
        source, built, released = (layout.root / name for name in ("source", "built", "released"))
        for folder in (source, built, released):
            folder.mkdir()
        (source / "connection.json").write_text("{}")
        subprocess.run([layout.builder / "bin" / "build", source, layout.root, built], check=True)
        subprocess.run([layout.builder / "bin" / "release", built, released], check=True)
        assert (released / "chaincode" / "server" / "connection.json").read_text() == "{}"


@pytest.fixture
def issuer(layout: Layout) -> x509.Certificate:
    """The CA of the gateway's organisation, in files as cryptogen writes them."""
    authority = Authority.at(layout.root / "made", "ca.org1.example.com")
    folder = layout.organisation(GATEWAY_ORGANISATION) / "ca"
    folder.mkdir(parents=True)
    (layout.root / "made" / "ca-cert").rename(folder / "ca.org1.example.com-cert.pem")
    (layout.root / "made" / "ca-key").rename(folder / "priv_sk")
    tls = layout.tls_authority(GATEWAY_ORGANISATION)
    tls.parent.mkdir()
    tls.write_text("the TLS authority")
    return authority.certificate


class TestWallet:
    def test_each_identity_gets_a_certificate_with_its_role(self, layout: Layout, issuer: x509.Certificate) -> None:
        fill_wallet(layout, {"a": "gx_admin", "b": "gx_partner_api"})
        identity = load_identity(layout.wallet, "a", "Org1MSP", now=datetime.now(UTC))
        certificate = x509.load_pem_x509_certificate(identity.certificate)
        certificate.verify_directly_issued_by(issuer)
        assert attributes_of(certificate) == {"gxc_role": "gx_admin"}
        assert isinstance(identity.key, ec.EllipticCurvePrivateKey)
        assert (layout.wallet / "tlsca-cert").read_text() == "the TLS authority"

    def test_no_certificate_is_valid_when_its_issuer_is_not(self, layout: Layout, issuer: x509.Certificate) -> None:
        """A peer judges the chain as of the second in which the certificate becomes valid."""
        fill_wallet(layout, {"a": "gx_admin"})
        made = x509.load_pem_x509_certificate((layout.wallet / "a-cert").read_bytes())
        assert made.not_valid_before_utc == issuer.not_valid_before_utc
        assert made.not_valid_after_utc == issuer.not_valid_after_utc

    @pytest.mark.usefixtures("issuer")
    def test_what_is_there_stays_and_another_role_is_refused(self, layout: Layout) -> None:
        fill_wallet(layout, {"a": "gx_admin"})
        before = (layout.wallet / "a-cert").read_bytes()
        fill_wallet(layout, {"a": "gx_admin", "b": "gx_admin"})
        assert (layout.wallet / "a-cert").read_bytes() == before
        assert (layout.wallet / "b-key").stat().st_mode & 0o777 == 0o600
        with pytest.raises(CredentialsInvalid, match="a-cert has the role gx_admin, not gx_other"):
            fill_wallet(layout, {"a": "gx_other"})


class TestWhatIsKept:
    @pytest.fixture
    def paths(self, tmp_path: Path) -> LocalPaths:
        paths = LocalPaths.under(tmp_path)
        paths.make()
        return paths

    def found(self, paths: LocalPaths) -> Mapping[str, int]:
        """Leave the record of a complete network; its ports."""
        made = NativeNetwork(paths, {}, OPTIONS, {})
        made.layout.root.mkdir()
        made.layout.founded.write_text(json.dumps({"options": OPTIONS.of_channel, "ports": dict(made.layout.ports)}))
        return made.layout.ports

    def test_the_ports_of_a_network_stay(self, paths: LocalPaths) -> None:
        ports = self.found(paths)
        (paths.state / "ports.json").unlink()
        assert NativeNetwork(paths, {}, OPTIONS, {}).layout.ports == ports
        assert NativeNetwork(paths, {}, OPTIONS, {"orderer": ports["orderer"]}).layout.ports == ports

    def test_another_port_is_refused(self, paths: LocalPaths) -> None:
        ports = self.found(paths)
        with pytest.raises(
            StackFailed, match=rf"was made with orderer {ports['orderer']}, not 1; streams down --purge"
        ):
            NativeNetwork(paths, {}, OPTIONS, {"orderer": 1})

    def test_without_a_network_any_port_may_be_chosen(self, paths: LocalPaths) -> None:
        assert NativeNetwork(paths, {}, OPTIONS, {"orderer": 31_999, "kafka": 1}).layout.ports["orderer"] == 31_999

    def test_other_block_settings_are_refused(self, paths: LocalPaths, monkeypatch: pytest.MonkeyPatch) -> None:
        self.found(paths)
        monkeypatch.setenv("FABRIC_BIN", str(programs_in(paths.state / "bin")))
        options = LedgerOptions(kind="native", block_interval_s=2.0)
        with pytest.raises(StackFailed, match=r"was made with block_interval_s 0\.2, not 2\.0"):
            choose_ledger(options, paths, OPTIONS.identities, {})
