"""What the scripts have in common: botocore clients of the cloud, and checks that go on after a failure."""

import atexit
import os
import sys
import time

try:
    import botocore.session as _session
    from botocore.exceptions import ClientError
except ImportError:  # the AWS CLI v2 of a distribution brings a botocore of its own
    import awscli.botocore.session as _session
    from awscli.botocore.exceptions import ClientError

_failed = []


def client(service="ec2", checked=True, **keys):
    # Retries would hide what the server said first; a client that does not check leaves it to the server.
    config = sys.modules[_session.__name__.rsplit(".", 1)[0] + ".config"].Config(retries={"max_attempts": 0}, parameter_validation=checked)
    return _session.get_session().create_client(service, config=config, **keys)


def fail(text):
    frame, line = sys._getframe(1), 0
    while frame:
        if frame.f_code.co_filename != __file__:
            line = frame.f_lineno
        frame = frame.f_back
    _failed.append(text)
    print(f"line {line}: {text}", file=sys.stderr)


def same(got, want, what=""):
    if got != want:
        fail(f"{what} is {got!r}, want {want!r}")


def has(got, **want):
    """The members of an answer have the values; None stands for a member that is there, with any value but nothing."""
    for key, value in want.items():
        if key not in got:
            fail(f"{key} is missing in {got!r}")
        elif value is not None and got[key] != value:
            fail(f"{key} is {got[key]!r}, want {value!r}")
        elif value is None and got[key] in (None, ""):
            fail(f"{key} is empty")


def refused(code, call, *, says="", **args):
    """The call is refused with the code, and a message that has the words."""
    try:
        call(**args)
    except ClientError as e:
        got = e.response["Error"]
        if got["Code"] != code or says not in got["Message"]:
            fail(f"{call.__name__} is refused with {got['Code']}: {got['Message']}; want {code}: {says}")
        return
    fail(f"{call.__name__} {args} succeeds; want {code}")


def dry(call, **args):
    """A dry run says that the call would succeed, and changes nothing."""
    refused("DryRunOperation", call, says="Request would have succeeded, but DryRun flag is set.", DryRun=True, **args)


def tags(kind, /, **pairs):
    return [{"ResourceType": kind, "Tags": [{"Key": k, "Value": v} for k, v in pairs.items()]}]


def where(**filters):
    """Filters: an underscore is a hyphen, two are a dot, three a colon."""
    out = []
    for name, value in filters.items():
        name = name.replace("___", ":").replace("__", ".").replace("_", "-")
        out.append({"Name": name, "Values": value if isinstance(value, list) else [value]})
    return out


def eventually(what, yes):
    deadline = time.monotonic() + 30
    while not yes():
        if time.monotonic() > deadline:
            fail(f"never came: {what}")
            return


def pages(call, key, size, **args):
    """All rows, a page at a time; no page is longer than asked."""
    out, token = [], {}
    while True:
        page = call(MaxResults=size, **token, **args)
        if len(page[key]) > size:
            fail(f"a page has {len(page[key])} rows, not {size}")
        out += page[key]
        if not page.get("NextToken"):
            return out
        token = {"NextToken": page["NextToken"]}


def ids(rows, key):
    return sorted(r[key] for r in rows)


def found(call, key, id, all, also={}, **filters):
    """Each filter alone finds just the rows; so do they together with those that alone may find more; a value that
    nothing has finds nothing."""
    for name, value in filters.items():
        same(ids(call(Filters=where(**{name: value}))[key], id), sorted(all), f"what {name}={value} finds")
    for name, value in also.items():
        same(ids(call(Filters=where(**{name: value}, **filters))[key], id), sorted(all), f"what {name}={value} finds with the others")
    name = next(iter(filters))
    same(call(Filters=where(**{name: "nothing-*-has"}))[key], [], "what a filter finds that nothing matches")
    refused("InvalidParameterValue", call, says="is invalid", Filters=where(no_such_filter="x"))


def tagged(ec2, id, kind):
    """Tags can be put, overwritten, found and taken away."""
    ec2.create_tags(Resources=[id], Tags=[{"Key": "stage", "Value": "a"}, {"Key": "empty", "Value": ""}])
    ec2.create_tags(Resources=[id], Tags=[{"Key": "stage", "Value": "b"}])
    got = ec2.describe_tags(Filters=where(resource_id=id, key=["stage", "empty"]))["Tags"]
    same(sorted((t["Key"], t["Value"], t["ResourceType"]) for t in got), [("empty", "", kind), ("stage", "b", kind)], "tags")
    ec2.delete_tags(Resources=[id], Tags=[{"Key": "stage", "Value": "a"}])
    same(len(ec2.describe_tags(Filters=where(resource_id=id, key="stage"))["Tags"]), 1, "a tag with another value")
    ec2.delete_tags(Resources=[id], Tags=[{"Key": "stage"}, {"Key": "empty", "Value": ""}])
    same(ec2.describe_tags(Filters=where(resource_id=id, key=["stage", "empty"]))["Tags"], [], "tags taken away")
    refused("InvalidParameterValue", ec2.create_tags, says="reserved", Resources=[id], Tags=[{"Key": "aws:x", "Value": "y"}])


def _verdict():
    if _failed:
        sys.stdout.flush()
        print(f"{len(_failed)} checks failed", file=sys.stderr)
        os._exit(1)


atexit.register(_verdict)
