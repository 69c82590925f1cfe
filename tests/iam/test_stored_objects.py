"""Instance profiles, certificates, SSH keys and service-linked roles: kept, shown, refused."""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

import isthmus.iam  # noqa: F401 - registers the operations
from builders import ANALYTICS, PRODUCTION, START, World, allow, policy, statement, story, trusts
from saml_builders import pem_of, unproved_key

ROOT = PRODUCTION


def certificate(days: int = 30, serial: int = 7) -> tuple[str, str]:
    """A self-signed certificate and its key, both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "www.example.com")])
    end = datetime.fromtimestamp(START, UTC) + timedelta(days=days)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(end - timedelta(days=60))
        .not_valid_after(end)
        .sign(key, SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return made.public_bytes(Encoding.PEM).decode(), pem


def on_an_unknown_curve(pem: str) -> str:
    """A PEM text with the name of its curve, P-256, changed into one that does not exist."""
    head, *body, foot = pem.splitlines()
    der = b64decode("".join(body)).replace(bytes.fromhex("2a8648ce3d030107"), bytes.fromhex("2a8648ce3d03017f"))
    return "\n".join((head, b64encode(der).decode(), foot, ""))


async def refused(world: World, name: str, who: Any = ROOT, **members: Any) -> str:
    return (await world.refused(who, "iam", name, **members)).code


@story
async def test_an_instance_profile_holds_one_role_and_keeps_it_from_being_deleted(world: World) -> None:
    web = {"InstanceProfileName": "web"}
    tags = [{"Key": "a", "Value": "b"}]
    made = (await world.call(ROOT, "iam", "CreateInstanceProfile", **web, Path="/app/", Tags=tags))["InstanceProfile"]
    assert made["Arn"] == f"arn:aws:iam::{PRODUCTION}:instance-profile/app/web"
    assert (made["InstanceProfileId"][:4], made["Roles"], made["Tags"]) == ("AIPA", [], tags)
    assert await refused(world, "CreateInstanceProfile", InstanceProfileName="WEB") == "EntityAlreadyExists"
    for name in ("one", "two"):
        await world.role(PRODUCTION, name, trust=trusts(PRODUCTION))
    await world.call(ROOT, "iam", "AddRoleToInstanceProfile", **web, RoleName="one")
    assert await refused(world, "AddRoleToInstanceProfile", **web, RoleName="two") == "LimitExceeded"
    assert await refused(world, "AddRoleToInstanceProfile", **web, RoleName="three") == "NoSuchEntity"
    got = (await world.call(ROOT, "iam", "GetInstanceProfile", **web))["InstanceProfile"]
    assert [role["RoleName"] for role in got["Roles"]] == ["one"]
    listed = (await world.call(ROOT, "iam", "ListInstanceProfilesForRole", RoleName="one"))["InstanceProfiles"]
    assert [one["InstanceProfileName"] for one in listed] == ["web"]
    assert (await world.call(ROOT, "iam", "ListInstanceProfiles", PathPrefix="/x/"))["InstanceProfiles"] == []
    for name, members in (("DeleteInstanceProfile", web), ("DeleteRole", {"RoleName": "one"})):
        error = await world.refused(ROOT, "iam", name, **members)
        assert (error.code, "must remove roles from instance profile first" in error.message) == (
            "DeleteConflict",
            True,
        )
    assert await refused(world, "RemoveRoleFromInstanceProfile", **web, RoleName="two") == "NoSuchEntity"
    await world.call(ROOT, "iam", "RemoveRoleFromInstanceProfile", **web, RoleName="one")
    await world.call(ROOT, "iam", "DeleteRole", RoleName="one")
    await world.call(ROOT, "iam", "DeleteInstanceProfile", **web)
    assert await refused(world, "GetInstanceProfile", **web) == "NoSuchEntity"


@story
async def test_who_puts_a_role_into_a_profile_must_be_allowed_to_pass_it(world: World) -> None:
    role = await world.role(PRODUCTION, "one", trust=trusts(PRODUCTION))
    other = await world.role(PRODUCTION, "two", trust=trusts(PRODUCTION))
    profile = f"arn:aws:iam::{PRODUCTION}:instance-profile/web"
    add = statement("Allow", "iam:AddRoleToInstanceProfile", profile)
    alice = await world.user(PRODUCTION, "alice", policy(add, statement("Allow", "iam:PassRole", role.arn)))
    bob = await world.user(PRODUCTION, "bob", policy(add))
    web = {"InstanceProfileName": "web"}
    await world.call(ROOT, "iam", "CreateInstanceProfile", **web)
    assert await refused(world, "AddRoleToInstanceProfile", bob, **web, RoleName="one") == "AccessDenied"
    assert await refused(world, "AddRoleToInstanceProfile", alice, **web, RoleName=other.name) == "AccessDenied"
    await world.call(alice, "iam", "AddRoleToInstanceProfile", **web, RoleName="one")


@story
async def test_a_server_certificate_is_kept_with_the_key_that_fits(world: World) -> None:
    body, key = certificate()
    _, other_key = certificate()
    given = {"ServerCertificateName": "www", "CertificateBody": body}
    assert await refused(world, "UploadServerCertificate", **given, PrivateKey=other_key) == "KeyPairMismatch"
    assert await refused(world, "UploadServerCertificate", **given, PrivateKey="no key") == "MalformedCertificate"
    for bits, why in ((4608, "more than 4096 bits"), (2048, "Unable to parse private key")):
        large = pem_of(unproved_key(bits))
        error = await world.refused(ROOT, "iam", "UploadServerCertificate", **given, PrivateKey=large)
        assert (error.code, why in error.message) == ("MalformedCertificate", True)
    strange = on_an_unknown_curve(key)
    assert await refused(world, "UploadServerCertificate", **given, PrivateKey=strange) == "MalformedCertificate"
    for wrong in ("nothing", on_an_unknown_curve(body)):
        broken = {**given, "CertificateBody": wrong, "PrivateKey": key}
        assert await refused(world, "UploadServerCertificate", **broken) == "MalformedCertificate"
    made = await world.call(ROOT, "iam", "UploadServerCertificate", **given, PrivateKey=key, CertificateChain=body)
    assert made["ServerCertificateMetadata"]["Expiration"].timestamp() == START + 30 * 86400
    assert await refused(world, "UploadServerCertificate", **given, PrivateKey=key) == "EntityAlreadyExists"
    www = {"ServerCertificateName": "www"}
    got = (await world.call(ROOT, "iam", "GetServerCertificate", **www))["ServerCertificate"]
    assert (got["CertificateBody"], got["CertificateChain"]) == (body, body)
    assert "PRIVATE" not in str(got)
    await world.call(ROOT, "iam", "UpdateServerCertificate", **www, NewServerCertificateName="web", NewPath="/x/")
    assert await refused(world, "GetServerCertificate", **www) == "NoSuchEntity"
    listed = (await world.call(ROOT, "iam", "ListServerCertificates"))["ServerCertificateMetadataList"]
    assert [one["Arn"] for one in listed] == [f"arn:aws:iam::{PRODUCTION}:server-certificate/x/web"]
    assert await refused(world, "DeleteServerCertificate", ANALYTICS, ServerCertificateName="web") == "NoSuchEntity"
    bob = await world.user(PRODUCTION, "bob", allow("iam:*", "arn:aws:iam::*:server-certificate/y/*"))
    assert await refused(world, "DeleteServerCertificate", bob, ServerCertificateName="web") == "AccessDenied"
    await world.call(ROOT, "iam", "DeleteServerCertificate", ServerCertificateName="web")


@story
async def test_a_user_has_two_signing_certificates_and_nobody_elses(world: World) -> None:
    own = allow("iam:*SigningCertificate*", "arn:aws:iam::*:user/${aws:username}")
    alice = await world.user(PRODUCTION, "alice", own)
    await world.user(PRODUCTION, "bob")
    bodies = [certificate(serial=serial)[0] for serial in (1, 2, 3)]
    made = await world.call(alice, "iam", "UploadSigningCertificate", CertificateBody=bodies[0])
    one = {"CertificateId": made["Certificate"]["CertificateId"]}
    assert (made["Certificate"]["UserName"], made["Certificate"]["Status"]) == ("alice", "Active")
    again = {"CertificateBody": bodies[0]}
    assert await refused(world, "UploadSigningCertificate", alice, **again) == "DuplicateCertificate"
    expired = certificate(days=-1)[0]
    assert await refused(world, "UploadSigningCertificate", alice, CertificateBody=expired) == "InvalidCertificate"
    await world.call(alice, "iam", "UploadSigningCertificate", CertificateBody=bodies[1])
    assert await refused(world, "UploadSigningCertificate", alice, CertificateBody=bodies[2]) == "LimitExceeded"
    assert await refused(world, "DeleteSigningCertificate", alice, **one, UserName="bob") == "AccessDenied"
    assert await refused(world, "DeleteSigningCertificate", **one, UserName="bob") == "NoSuchEntity"
    await world.call(alice, "iam", "UpdateSigningCertificate", **one, Status="Inactive")
    listed = (await world.call(alice, "iam", "ListSigningCertificates"))["Certificates"]
    assert sorted(item["Status"] for item in listed) == ["Active", "Inactive"]
    await world.sql("DELETE FROM inline_policies")
    error = await world.refused(ROOT, "iam", "DeleteUser", UserName="alice")
    assert error.message == "Cannot delete entity, must delete signing certificates first."
    for item in listed:
        await world.call(ROOT, "iam", "DeleteSigningCertificate", CertificateId=item["CertificateId"], UserName="alice")
    await world.call(ROOT, "iam", "DeleteUser", UserName="alice")


@story
async def test_ssh_keys_are_rsa_and_shown_in_both_encodings(world: World) -> None:
    alice = {"UserName": "alice"}
    await world.user(PRODUCTION, "alice")
    await world.user(PRODUCTION, "bob")
    key = rsa.generate_private_key(65537, 2048).public_key()
    line = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    made = (await world.call(ROOT, "iam", "UploadSSHPublicKey", **alice, SSHPublicKeyBody=line))["SSHPublicKey"]
    assert (made["SSHPublicKeyId"][:4], len(made["Fingerprint"])) == ("APKA", 47)
    it = {"SSHPublicKeyId": made["SSHPublicKeyId"]}
    assert await refused(world, "UploadSSHPublicKey", **alice, SSHPublicKeyBody=line) == "DuplicateSSHPublicKey"
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    weak = curve.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    assert await refused(world, "UploadSSHPublicKey", **alice, SSHPublicKeyBody=weak) == "InvalidPublicKey"
    odd = {**alice, "SSHPublicKeyBody": "ssh-rsa ???"}
    assert await refused(world, "UploadSSHPublicKey", **odd) == "UnrecognizedPublicKeyEncoding"
    shown = await world.call(ROOT, "iam", "GetSSHPublicKey", **alice, **it, Encoding="PEM")
    assert shown["SSHPublicKey"]["SSHPublicKeyBody"].startswith("-----BEGIN PUBLIC KEY-----")
    assert await refused(world, "GetSSHPublicKey", UserName="bob", **it, Encoding="SSH") == "NoSuchEntity"
    await world.call(ROOT, "iam", "UpdateSSHPublicKey", **alice, **it, Status="Inactive")
    listed = (await world.call(ROOT, "iam", "ListSSHPublicKeys", **alice))["SSHPublicKeys"]
    assert [one["Status"] for one in listed] == ["Inactive"]
    assert await refused(world, "DeleteUser", **alice) == "DeleteConflict"
    await world.call(ROOT, "iam", "DeleteSSHPublicKey", **alice, **it)
    assert await refused(world, "DeleteSSHPublicKey", **alice, **it) == "NoSuchEntity"


@story
async def test_a_user_has_no_service_specific_credentials(world: World) -> None:
    await world.user(PRODUCTION, "alice")
    bob = await world.user(PRODUCTION, "bob")
    name = "ListServiceSpecificCredentials"
    none: dict[str, Any] = {"ServiceSpecificCredentials": [], "IsTruncated": False}
    assert await world.call(ROOT, "iam", name, UserName="alice") == none
    assert await world.call(ROOT, "iam", name) == none
    assert await refused(world, name, UserName="nobody") == "NoSuchEntity"
    assert await refused(world, name, UserName="alice", AllUsers=True) == "InvalidInput"
    assert await refused(world, name, bob, UserName="alice") == "AccessDenied"


@story
async def test_a_service_linked_role_is_changed_by_nobody_and_deleted_by_its_own_operation(world: World) -> None:
    service = {"AWSServiceName": "ecs.amazonaws.com"}
    only_ecs = {"Condition": {"StringEquals": {"iam:AWSServiceName": "ecs.amazonaws.com"}}}
    alice = await world.user(PRODUCTION, "alice", allow("iam:*", **only_ecs))
    other = {"AWSServiceName": "eks.amazonaws.com"}
    assert await refused(world, "CreateServiceLinkedRole", alice, **other) == "AccessDenied"
    role = (await world.call(alice, "iam", "CreateServiceLinkedRole", **service))["Role"]
    path = "/aws-service-role/ecs.amazonaws.com/"
    assert role["Arn"] == f"arn:aws:iam::{PRODUCTION}:role{path}AWSServiceRoleForECS"
    for members in (service, {"AWSServiceName": "no.example.com"}, {**service, "CustomSuffix": "x"}):
        assert await refused(world, "CreateServiceLinkedRole", **members) == "InvalidInput"
    it = {"RoleName": "AWSServiceRoleForECS"}
    assert await refused(world, "DeleteRole", **it) == "UnmodifiableEntity"
    assert await refused(world, "DeleteServiceLinkedRole", alice, **it) == "AccessDenied"
    task = await world.call(ROOT, "iam", "DeleteServiceLinkedRole", **it)
    assert task["DeletionTaskId"].startswith(f"task{path}AWSServiceRoleForECS/")
    assert await world.call(ROOT, "iam", "GetServiceLinkedRoleDeletionStatus", **task) == {"Status": "SUCCEEDED"}
    assert await refused(world, "GetServiceLinkedRoleDeletionStatus", ANALYTICS, **task) == "NoSuchEntity"
    unknown = {"DeletionTaskId": "nonsense"}
    assert await refused(world, "GetServiceLinkedRoleDeletionStatus", **unknown) == "InvalidInput"
    assert await refused(world, "GetRole", **it) == "NoSuchEntity"
    await world.role(PRODUCTION, "plain", trust=trusts(PRODUCTION))
    assert await refused(world, "DeleteServiceLinkedRole", RoleName="plain") == "InvalidInput"
