"""Ten services through Clew to moto, with boto3: each call must answer as without Clew.

Prints one JSON document: the access key ids that were used, and the secrets that must not be in
any record. Endpoint, keys and region come from the environment.
"""

import json
import sys
import zipfile
from io import BytesIO

import boto3

SECRETS = {
    "iam": "Iam-Passw0rd-marker",
    "secretsmanager": "sm-secret-marker",
    "sqs": "sqs-body-marker",
    "sns": "sns-message-marker",
    "kms": "kms-plaintext-marker",
    "dynamodb": "dynamo-value-marker",
    "lambda": "lambda-env-marker",
    "cloudformation": "cfn-parameter-marker",
    "stepfunctions": "sfn-input-marker",
    "ec2": "ec2-userdata-marker",
}

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


def code_zip() -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.py", "def handler(event, context):\n    return event\n")
    return buffer.getvalue()


def main() -> None:
    secrets = list(SECRETS.values())
    iam = boto3.client("iam")
    role = iam.create_role(RoleName="runner", AssumeRolePolicyDocument=TRUST)["Role"]
    iam.create_user(UserName="alice")
    iam.create_login_profile(UserName="alice", Password=SECRETS["iam"])
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    secrets.append(key["SecretAccessKey"])

    # A key that IAM made upstream is usable through Clew at once.
    alice = boto3.Session(
        aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    assumed = alice.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="build-42")[
        "Credentials"
    ]
    secrets += [assumed["SecretAccessKey"], assumed["SessionToken"]]
    session = boto3.Session(
        aws_access_key_id=assumed["AccessKeyId"],
        aws_secret_access_key=assumed["SecretAccessKey"],
        aws_session_token=assumed["SessionToken"],
    )

    ec2 = session.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]
    assert vpc["CidrBlock"] == "10.1.0.0/16"
    pair = ec2.create_key_pair(KeyName="pair")
    secrets.append(pair["KeyMaterial"].splitlines()[1])
    images = ec2.describe_images(Owners=["amazon"])["Images"]
    ec2.run_instances(
        ImageId=images[0]["ImageId"], MinCount=1, MaxCount=1, UserData=SECRETS["ec2"]
    )
    assert ec2.describe_instances()["Reservations"]

    dynamodb = session.client("dynamodb")
    dynamodb.create_table(
        TableName="table",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(
        TableName="table", Item={"id": {"S": "one"}, "value": {"S": SECRETS["dynamodb"]}}
    )
    item = dynamodb.get_item(TableName="table", Key={"id": {"S": "one"}})["Item"]
    assert item["value"]["S"] == SECRETS["dynamodb"]

    sqs = session.client("sqs")
    queue = sqs.create_queue(QueueName="queue")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody=SECRETS["sqs"])
    messages = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert messages[0]["Body"] == SECRETS["sqs"]

    sns = session.client("sns")
    topic = sns.create_topic(Name="topic")["TopicArn"]
    sns.publish(TopicArn=topic, Message=SECRETS["sns"], Subject="subject")

    kms = session.client("kms")
    key_id = kms.create_key(Description="key")["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key_id, Plaintext=SECRETS["kms"].encode())["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == SECRETS["kms"].encode()

    function = session.client("lambda")
    function.create_function(
        FunctionName="function",
        Runtime="python3.12",
        Role=role["Arn"],
        Handler="index.handler",
        Code={"ZipFile": code_zip()},
        Environment={"Variables": {"TOKEN": SECRETS["lambda"]}},
    )
    assert function.get_function(FunctionName="function")["Configuration"]

    manager = session.client("secretsmanager")
    manager.create_secret(Name="secret", SecretString=SECRETS["secretsmanager"])
    value = manager.get_secret_value(SecretId="secret")["SecretString"]
    assert value == SECRETS["secretsmanager"]

    cloudformation = session.client("cloudformation")
    template = {
        "Parameters": {"Secret": {"Type": "String", "NoEcho": True}},
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
    }
    cloudformation.create_stack(
        StackName="stack",
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": "Secret", "ParameterValue": SECRETS["cloudformation"]}],
    )
    assert cloudformation.describe_stacks(StackName="stack")["Stacks"]

    states = session.client("stepfunctions")
    definition = {"StartAt": "Done", "States": {"Done": {"Type": "Pass", "End": True}}}
    machine = states.create_state_machine(
        name="machine", definition=json.dumps(definition), roleArn=role["Arn"]
    )["stateMachineArn"]
    states.start_execution(
        stateMachineArn=machine, input=json.dumps({"secret": SECRETS["stepfunctions"]})
    )

    # An error is an error, in the service's own form.
    try:
        iam.get_user(UserName="nobody")
        raise SystemExit("GetUser of an unknown user succeeded")
    except iam.exceptions.NoSuchEntityException:
        pass

    json.dump(
        {
            "secrets": secrets,
            "alice": key["AccessKeyId"],
            "session": assumed["AccessKeyId"],
            "role": role["Arn"],
        },
        sys.stdout,
    )


main()
