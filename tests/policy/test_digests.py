"""Digests, compared with those that Pacemaker recorded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashelld.policy.digests import all_digest, covered, restart_digest, secure_digest


NOTHING = "f2317cad3d54cec5d7d7aa7d0bf35cf8"
POLICY = 'ha-all ^(?!amq\\.).* {"ha-mode":"exactly","ha-params":2}'
DEVICE = {"ipaddr": "192.168.48.21", "login": "admin", "passwd": "****", "pcmk_host_list": "cesr104-p16"}
SLEEP = {"binfile": "/usr/bin/sleep", "cmdline_options": "infinity"}


def once(**params: str) -> dict[str, str]:
    return covered(params, {}, interval_ms=0, timeout_ms=20_000)


def again(timeout_ms: int, **params: str) -> dict[str, str]:
    return covered(params, {}, interval_ms=10_000, timeout_ms=timeout_ms)


@pytest.mark.parametrize(
    ("found", "recorded"),
    [
        (once(), NOTHING),
        (again(20_000), "4811cef7f7f94e3a35a70be7916cb2fd"),
        (again(90_000), "8f6a313464b7f9e3a31cb448458b700e"),
        (once(ip="127.0.0.14"), "74307acd7ffa84f71fe8a46100cdbbb0"),
        (again(20_000, ip="127.0.0.14"), "fc615675937160e95e360e325cd67d82"),
        (once(set_policy=POLICY), "497e3cffa03bc3ed4830dc4b0ba109ae"),
        (again(40_000, set_policy=POLICY), "41cce5252b1fb189afe9efa00fb5e2cb"),
        (once(gateway="10.2.4.1", destination="161.53.3.69/32"), "0f49779c07733d37ae0bf36551e2102e"),
        (
            once(monitor_urls="/dem-device-manager/health", monitor_use_ssl="no", instance_name="NMS")
            | {"monitor_timeout": "120"},
            "c030e52a1e91e58d4e2d6e57cb9cdea4",
        ),
    ],
)
def test_recorded_digests(found: dict[str, str], recorded: str):
    assert all_digest(found) == recorded


def test_what_is_left_out():
    params = {"id": "x", "crm_feature_set": "3.0", "op-digest": "y", "pcmk_external_ip": "z", "CRM_meta_notify": "1"}
    assert covered(params, {"CRM_meta_timeout": "5"}, interval_ms=0, timeout_ms=1) == {}
    assert covered({"CRM_meta_timeout": "5"}, {}, interval_ms=1, timeout_ms=7) == {"CRM_meta_timeout": "7"}


def test_the_resources_parameters_win_over_the_operations():
    assert covered({"a": "1"}, {"a": "2", "b": "3"}, interval_ms=0, timeout_ms=0) == {"a": "1", "b": "3"}


def test_restart_digests():
    found = once(destination="161.53.3.69/32", gateway="10.2.4.1")
    assert restart_digest(found, " destination  device  gateway  source ") == "0f49779c07733d37ae0bf36551e2102e"
    assert restart_digest(found, " state ") == NOTHING
    assert restart_digest(found, "") == NOTHING
    assert restart_digest(found, "destination") == NOTHING
    assert restart_digest(found, None) == all_digest(found)
    assert restart_digest(again(20_000), " state ") == NOTHING


def test_secure_digests():
    found = again(90_000, passwd="whatever")
    recorded = "8f6a313464b7f9e3a31cb448458b700e"
    assert secure_digest(found, {"passwd": "whatever"}, secure_params="  passwd  ", version="3.17.3") == recorded
    assert secure_digest(found, {"passwd": "whatever"}) == recorded
    assert secure_digest(found, {}, secure_params="") == all_digest(found)


def test_secure_digests_of_old_histories():
    found = again(20_000, **SLEEP)
    old = {"secure_params": " user ", "version": "3.0.12"}
    assert secure_digest(found, SLEEP, **old) == "db273079d7571b20fbc4e8d197325b97"
    assert secure_digest(found, SLEEP) != "db273079d7571b20fbc4e8d197325b97"


def test_secure_digests_of_fence_devices_in_old_histories():
    old = {"secure_params": " passwd  password ", "version": "3.0.12"}
    assert secure_digest(once(**DEVICE), DEVICE, is_fencing=True, **old) == "d14015b540c7f9c28236b218d7e48232"
    assert secure_digest(once(**DEVICE), DEVICE, **old) != "d14015b540c7f9c28236b218d7e48232"
    names = ("provides", "stonith-timeout", "pcmk_delay_max", "pcmk_host_map", "pcmk_off_action", "pcmk_list_retries")
    more = DEVICE | dict.fromkeys(names, "x")
    assert secure_digest(once(**more), more, is_fencing=True, **old) == "d14015b540c7f9c28236b218d7e48232"


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,6}", fullmatch=True), st.text(max_size=6), max_size=5))
def test_the_order_does_not_count(found: dict[str, str]):
    assert all_digest(dict(reversed(found.items()))) == all_digest(found)
    assert restart_digest(found, "".join(f" {name} " for name in found)) == all_digest(found)


def test_every_character_counts():
    texts = ["", " ", "\t", "\n", "\r", "&", "&amp;", '"', "'", "<", ">", "é", "\x7f", "\x01"]
    assert len({all_digest({"a": text}) for text in texts}) == len(texts)
