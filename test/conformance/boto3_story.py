"""boto3 against Clew: objects with odd keys and checksums, presigned URLs, the event history.

Fails with a traceback on the first thing that is not as AWS does it.
"""

import gzip
import hashlib
import io
import json
import time
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

BUCKET = "boto3-story"
ODD_KEYS = ["plain", "sp ace", "plus+plus", "ünïcode/日本", "a//b", "../up", "percent%41", "tilde~"]


def code_of(call) -> str:
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "no error"


def objects(s3) -> None:
    s3.create_bucket(Bucket=BUCKET)
    for key in ODD_KEYS:
        s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
    for key in ODD_KEYS:
        assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == key.encode(), key
    listed = [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert listed == sorted(ODD_KEYS, key=lambda key: key.encode()), listed
    v1 = [item["Key"] for item in s3.list_objects(Bucket=BUCKET)["Contents"]]
    assert v1 == listed, v1
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=BUCKET, PaginationConfig={"PageSize": 3}
    )
    assert [item["Key"] for page in pages for item in page["Contents"]] == listed
    folders = s3.list_objects_v2(Bucket=BUCKET, Delimiter="/")["CommonPrefixes"]
    assert [item["Prefix"] for item in folders] == ["../", "a/", "ünïcode/"], folders

    for algorithm in ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]:
        try:
            s3.put_object(
                Bucket=BUCKET, Key="sum", Body=b"content", ChecksumAlgorithm=algorithm
            )
        except Exception as error:  # botocore without the CRT cannot compute two of them
            assert "CRT" in str(error) or "crt" in str(error), error
            continue
        head = s3.head_object(Bucket=BUCKET, Key="sum", ChecksumMode="ENABLED")
        assert f"Checksum{algorithm}" in head, head
    wrong = {"ChecksumSHA256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}
    assert code_of(lambda: s3.put_object(Bucket=BUCKET, Key="sum", Body=b"x", **wrong)) in (
        "BadDigest",
        "InvalidRequest",
    )
    exists = lambda: s3.put_object(Bucket=BUCKET, Key="plain", Body=b"x", IfNoneMatch="*")
    assert code_of(exists) == "PreconditionFailed"

    packed = gzip.compress(b"packed")
    s3.put_object(Bucket=BUCKET, Key="packed", Body=packed, ContentEncoding="gzip")
    answer = s3.get_object(Bucket=BUCKET, Key="packed")
    assert answer["Body"].read() == packed and answer["ContentEncoding"] == "gzip"

    stream = io.BytesIO(b"0123456789" * 1_300_000)
    s3.upload_fileobj(stream, BUCKET, "streamed")
    digest = hashlib.sha256()
    for chunk in s3.get_object(Bucket=BUCKET, Key="streamed")["Body"].iter_chunks(65536):
        digest.update(chunk)
    assert digest.digest() == hashlib.sha256(b"0123456789" * 1_300_000).digest()
    assert s3.get_object(Bucket=BUCKET, Key="streamed", Range="bytes=-5")["Body"].read() == b"56789"
    assert code_of(lambda: s3.get_object(Bucket=BUCKET, Key="absent")) == "NoSuchKey"
    assert code_of(lambda: s3.delete_bucket(Bucket=BUCKET)) == "BucketNotEmpty"
    assert code_of(lambda: s3.head_bucket(Bucket="nobody-has-this")) == "404"


def presigned(s3) -> None:
    for version in ["s3v4", "s3"]:
        signer = boto3.client("s3", config=Config(signature_version=version))
        url = signer.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "plain"})
        assert urllib.request.urlopen(url).read() == b"plain", version
    # SigV2 would sign the Content-Type, which urllib adds by itself.
    signer = boto3.client("s3", config=Config(signature_version="s3v4"))
    url = signer.generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": "put"})
    request = urllib.request.Request(url, data=b"by url", method="PUT")
    assert urllib.request.urlopen(request).status == 200
    assert s3.get_object(Bucket=BUCKET, Key="put")["Body"].read() == b"by url"


def history(trail) -> None:
    attribute = [{"AttributeKey": "ResourceName", "AttributeValue": BUCKET}]
    for _ in range(100):
        events = trail.lookup_events(LookupAttributes=attribute)["Events"]
        if any(event["EventName"] == "CreateBucket" for event in events):
            break
        time.sleep(0.1)
    else:
        raise AssertionError("CreateBucket does not appear in the history")
    event = next(event for event in events if event["EventName"] == "CreateBucket")
    record = json.loads(event["CloudTrailEvent"])
    assert record["eventID"] == event["EventId"]
    assert record["requestParameters"]["bucketName"] == BUCKET
    assert event["ReadOnly"] == "false" and event["Username"] == "root"
    assert "Boto3" in record["userAgent"], record["userAgent"]
    wrong = lambda: trail.lookup_events(NextToken="nonsense")
    assert code_of(wrong) == "InvalidNextTokenException"
    both = lambda: trail.lookup_events(StartTime=2_000_000_000, EndTime=1_000_000_000)
    assert code_of(both) == "InvalidTimeRangeException"
    assert code_of(lambda: trail.get_trail(Name="none")) == "TrailNotFoundException"
    assert code_of(lambda: trail.list_event_data_stores()) == "UnsupportedOperationException"


def main() -> None:
    s3 = boto3.client("s3")
    objects(s3)
    presigned(s3)
    history(boto3.client("cloudtrail"))
    print("ok")


main()
