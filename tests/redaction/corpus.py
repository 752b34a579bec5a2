"""
The corpus: every form of secret that others may write, and what only looks like one.

A row is one text, what of it no output may ever hold, and what has to stay readable. All of it is
invented; what real keys have as their beginning is put together here, so that no scanner of
repositories takes this table for a leak.
"""

import base64
import json
from typing import NamedTuple

HUSH = "hunter2-Zx81"
"""A password."""
LONG = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
"""The random part of a key: 36 letters and digits."""
HEXES = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"
BODY_TOO = "Gz7bPqVfWk1LxYtNn2mQ0oR3sT4uV5wX6yZ7aB8cD9eF0gH1iJ2kL3mN4oP5qR6s"
TAIL = "Tm9UYUtleQ=="
KIND = "PRIVATE KEY-----"
BEGIN, END = f"-----BEGIN {KIND}", f"-----END {KIND}"


class Row(NamedTuple):
    """A text with a secret: what must never be in any output, and what has to stay."""

    name: str
    text: str
    hidden: tuple[str, ...] = (HUSH,)
    kept: tuple[str, ...] = ()


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _over_lines(text: str, width: int = 64) -> str:
    encoded = _encoded(text)
    return "\n".join(encoded[at : at + width] for at in range(0, len(encoded), width))


ACCOUNT = json.dumps(
    {
        "type": "service_account",
        "project_id": "floor",
        "private_key_id": HEXES,
        "private_key": f"{BEGIN}\n{BODY}\n{BODY_TOO}\n{TAIL}\n{END}\n",
    },
    indent=2,
)
_PARTS = (BODY, BODY_TOO, TAIL.rstrip("="))

NAMED = (
    Row("assignment", f"password={HUSH}, retrying", kept=("password", "retrying")),
    Row("assignment in capitals", f"DB_PASSWORD={HUSH} user=ops", kept=("user=ops",)),
    Row("assignment with blanks", f"password = {HUSH}\nuser = ops", kept=("user = ops",)),
    Row("assignment, quoted, with blanks in it", f"password='a {HUSH} b' next", kept=("next",)),
    Row("assignment with odd signs", "PASSWORD=hunt;er2&Zx81", ("hunt", "er2", "Zx81")),
    Row("YAML", f"password: {HUSH}\nuser: ops", kept=("user: ops",)),
    Row("JSON", f'{{"password": "{HUSH}", "user": "ops"}}', kept=('"user": "ops"',)),
    Row("JSON without blanks", f'{{"password":"{HUSH}","user":"ops"}}', kept=('"user":"ops"',)),
    Row("JSON number", '{"password": 40711704, "user": "ops"}', ("40711704",), ("ops",)),
    Row("JSON list", f'{{"passwords": ["{HUSH}"], "user": "ops"}}', kept=("ops",)),
    Row("JSON with an escaped quote", f'{{"password": "a\\"{HUSH}", "u": 1}}', kept=('"u": 1',)),
    Row(
        "JSON in JSON", json.dumps({"m": json.dumps({"password": HUSH, "u": "ops"})}), kept=("ops",)
    ),
    Row(
        "JSON in JSON in JSON",
        json.dumps({"m": json.dumps({"n": json.dumps({"token": HUSH, "u": "ops"})})}),
        kept=("ops",),
    ),
    Row("JSON that is cut", f'{{"user": "ops", "password": "{HUSH}', kept=("ops",)),
    Row("Python dict", f"{{'password': '{HUSH}', 'user': 'ops'}}", kept=("'user': 'ops'",)),
    Row("Python dict of bytes", f"{{b'password': b'{HUSH}', b'user': b'ops'}}", kept=("ops",)),
    Row(
        "Python dict of mixed quotes", f"{{'token': \"it's {HUSH}\", 'user': 'ops'}}", kept=("ops",)
    ),
    Row("Python tuple", f"[('x-api-key', '{HUSH}'), ('user', 'ops')]", kept=("ops",)),
    Row("Python tuple of bytes", f"[(b'x-api-key', b'{HUSH}'), (b'user', b'ops')]", kept=("ops",)),
    Row("Python keywords", f"connect(user='ops', password='{HUSH}', port=1)", kept=("port=1",)),
    Row("Python dataclass", f"Settings(user='ops', api_key='{HUSH}')", kept=("ops",)),
    Row("environment of Python", f"os.environ['API_TOKEN'] = '{HUSH}'", kept=("os.environ",)),
    Row("Ruby hash", f'{{:password=>"{HUSH}", :user=>"ops"}}', kept=("ops",)),
    Row("PHP array", f"['password' => '{HUSH}', 'user' => 'ops']", kept=("ops",)),
    Row("Go map", f"map[password:{HUSH} user:ops]", kept=("user:ops",)),
    Row("logfmt", f'level=info password={HUSH} msg="went on"', kept=("went on",)),
    Row("logfmt, quoted", f'level=info token="{HUSH}" msg="went on"', kept=("went on",)),
    Row("in a quoted message", f'msg="got password={HUSH} and" level=info', kept=("level=info",)),
    Row("properties", f"spring.datasource.password={HUSH}\nspring.name=x", kept=("spring.name=x",)),
    Row("TOML", f'api_token = "{HUSH}" # why', kept=("api_token", "# why")),
    Row("INI", f"[db]\npasswd={HUSH}\nhost=db", kept=("host=db",)),
    Row("XML", f"<user>ops</user><password>{HUSH}</password>", kept=("ops",)),
    Row("XML attribute", f'<db user="ops" password="{HUSH}"/>', kept=("ops",)),
    Row("XML of a key and its value", f'<add key="ApiKey" value="{HUSH}"/>', kept=("ApiKey",)),
    Row("libpq", f"host=db user=ops password={HUSH} dbname=x", kept=("host=db", "dbname=x")),
    Row("ODBC", f"Server=db;Uid=ops;Pwd={HUSH};Database=x", kept=("Server=db",)),
    Row("SQL", f"CREATE USER ops WITH PASSWORD '{HUSH}' VALID", kept=("CREATE USER ops", "VALID")),
    Row("SQL of MySQL", f"CREATE USER ops IDENTIFIED BY '{HUSH}'", kept=("CREATE USER ops",)),
    Row("netrc", f"machine h login ops password {HUSH}", kept=("machine h login ops",)),
    Row("Redis configuration", f"requirepass {HUSH}\nport 1", kept=("port 1",)),
    Row("AUTH of Redis", f"> AUTH {HUSH}", kept=("AUTH",)),
    Row("PASS of a mail server", f"PASS {HUSH}", kept=("PASS",)),
    Row("PASS in a log", f"09:30:01 smtp PASS {HUSH}\nthen", kept=("smtp PASS", "then")),
    Row(
        "AWS configuration", f"aws configure set aws_secret_access_key {HUSH}", kept=("configure",)
    ),
    Row("AWS credentials", f"aws_secret_access_key={HUSH}", kept=("aws_secret_access_key",)),
    Row("header", f"X-Api-Key: {HUSH}\r\nHost: x", kept=("Host: x",)),
    Row("header of two words", f"api key: {HUSH}", kept=("api key",)),
    Row("header of three words", f"AWS Secret Access Key: {HUSH}", kept=("AWS Secret",)),
    Row("passphrase", f"passphrase: {HUSH}", kept=("passphrase",)),
    Row("passphrase in JSON", f'{{"keyPassphrase":"{HUSH}"}}'),
    Row("passcode", f"passcode={HUSH}"),
    Row("pass in capitals", f"SMTP_PASS={HUSH}"),
    Row("name that ends in pass", f"PGPASS={HUSH}"),
    Row("pwd", f"pwd={HUSH}"),
    Row("auth", f"REDISCLI_AUTH={HUSH}"),
    Row("auth, quoted", f'{{"auth": "{HUSH}"}}'),
    Row("signing key", f"SIGNING_KEY={HUSH}, retrying", kept=("retrying",)),
    Row("encryption key", f"encryptionKey: {HUSH}"),
    Row("key of Alpaca by its name", f"ALPACA_KEY={HUSH}"),
    Row("id of a key", f'{{"key_id": "{HUSH}"}}'),
    Row("client secret", f"client_secret={HUSH}&scope=a", kept=("scope=a",)),
    Row("refresh token", f'{{"refreshToken":"{HUSH}"}}'),
    Row("session", f"session_id={HUSH}"),
    Row("PIN", '{"pin": "47110815"}', ("47110815",)),
    Row("PIN, assigned", "USER_PIN=47110815", ("47110815",)),
    Row("PIN in a sentence", "the PIN is 47110815 today", ("47110815",), ("today",)),
    Row("salt", f"PASSWORD_SALT={HUSH}"),
    Row("salt alone", f'{{"salt": "{HUSH}"}}'),
    Row("pepper", f"PEPPER={HUSH}"),
    Row("seed of one-time passwords", "TOTP_SEED=JBSWY3DPEHPK3PXP", ("JBSWY3DP",)),
    Row(
        "otpauth",
        "otpauth://totp/x:ops?secret=JBSWY3DPEHPK3PXP&issuer=x",
        ("JBSWY3DP",),
        ("issuer=x",),
    ),
    Row("one-time password", '{"otp": "40211708"}', ("40211708",)),
    Row("mnemonic", '{"mnemonic": "army van defense carry"}', ("army van defense",)),
    Row("webhook by its name", '{"alert_webhook": "https://x.example/in/abc"}', ("in/abc",)),
    Row(
        "name and value",
        f'[{{"name": "DB_PASSWORD", "value": "{HUSH}"}}, 7]',
        kept=("DB_PASSWORD",),
    ),
    Row("value and name", f'[{{"value":"{HUSH}","name":"DB_PASSWORD"}}]', kept=("DB_PASSWORD",)),
    Row("escaped name and value", json.dumps({"a": f'{{"name":"TOKEN","value":"{HUSH}"}}'})),
    Row("behind a long name", f"{'a_' * 60}password={HUSH}"),
    Row("escaped for a URL", f"next=%2Fx%3Ftoken%3D{HUSH}%26a%3D1"),
    Row("JSON escaped for a URL", f"q=%7B%22password%22%3A%22{HUSH}%22%7D"),
    Row("on the next line", f"password:\n  {HUSH}\n"),
    Row("comparison", f"if password == '{HUSH}' then", kept=("then",)),
)

SAID = (
    Row("password is", f"the password is {HUSH} for now", kept=("the password is", "for now")),
    Row("password is, quoted", f"password is '{HUSH}'.", kept=("password is",)),
    Row("password was", f"old password was {HUSH}", kept=("old password",)),
    Row("password for a name is", f"password for ops is {HUSH}", kept=("password for ops",)),
    Row("password set to", f"password set to {HUSH}", kept=("password set to",)),
    Row("passphrase is", f"passphrase is {HUSH}"),
    Row("token is", f"your token is {HUSH} keep it", kept=("keep it",)),
    Row("api key is", f"the api key is {HUSH}"),
    Row("with a password", f'login failed with password "{HUSH}"', kept=("login failed",)),
    Row("with a password, bare", f"tried password {HUSH} at 12:00", kept=("at 12:00",)),
)

COMMANDS = (
    Row("flag and a blank", f"run --password {HUSH} --now", kept=("run --password", "--now")),
    Row("flag and a sign", f"run --password={HUSH} --now", kept=("--now",)),
    Row("flag and quotes", f'run --password "a {HUSH}" --now', kept=("--now",)),
    Row("flag with one dash", f"run -token {HUSH} -v", kept=("-v",)),
    Row("flag of a key", f"run --api-key {HUSH} --now", kept=("--now",)),
    Row("flag in a JSON list", f'["run", "--password", "{HUSH}", "--now"]', kept=("--now",)),
    Row("flag in a Python list", f"['run', '--password', '{HUSH}', '--now']", kept=("--now",)),
    Row("curl -u", f"curl -u ops:{HUSH} http://x/", kept=("curl -u", "http://x/")),
    Row("curl -u without a blank", f"curl -uops:{HUSH} http://x/", kept=("http://x/",)),
    Row("curl -u, quoted", f"curl -s -u 'ops:{HUSH}' http://x/", kept=("http://x/",)),
    Row("curl -u in a list", f'["curl", "-u", "ops:{HUSH}", "http://x/"]', kept=("http://x/",)),
    Row("--user", f"curl --user ops:{HUSH} http://x/", kept=("http://x/",)),
    Row("--user=", f"curl --user=ops:{HUSH} http://x/", kept=("http://x/",)),
    Row("--proxy-user", f"curl --proxy-user ops:{HUSH} http://x/", kept=("http://x/",)),
    Row("curl -H", f"curl -H 'X-Api-Key: {HUSH}' http://x/", kept=("http://x/",)),
    Row(
        "curl -H, bearer", f'curl -H "Authorization: Bearer {HUSH}" http://x/', kept=("http://x/",)
    ),
    Row("curl --data", f"curl --data 'user=ops&password={HUSH}' http://x/", kept=("http://x/",)),
    Row("mysql -p", f"mysql -u root -p{HUSH} db", kept=("mysql -u root", "db")),
    Row("mysqldump -p", f"mysqldump -h db -p'{HUSH}' x"),
    Row("mysql -p in a list", f'["mysql", "-u", "root", "-p{HUSH}"]', kept=("root",)),
    Row("-p of nothing known", "entry -phunter2Zx81 --now", ("hunter2",), ("--now",)),
    Row("-p alone", "-phunter2Zx81", ("hunter2",)),
    Row("sshpass", f"sshpass -p {HUSH} ssh x", kept=("ssh x",)),
    Row("sshpass without a blank", f"sshpass -p{HUSH} ssh x", kept=("ssh x",)),
    Row("redis-cli", f"redis-cli -h db -a {HUSH} ping", kept=("ping",)),
    Row("ldapsearch", f"ldapsearch -D cn=x -w {HUSH} -b y", kept=("-b y",)),
    Row("docker login", f"docker login -u ops -p {HUSH} r.example", kept=("r.example",)),
    Row("openssl", f"openssl rsa -passin pass:{HUSH} -in k", kept=("-in k",)),
    Row("exported", f"export MY_TOKEN='{HUSH}'; run", kept=("run",)),
    Row("in front of a command", f"PGPASSWORD={HUSH} psql -h db", kept=("psql -h db",)),
    Row("in a shell in a shell", f"bash -c 'run --password \"{HUSH}\"'", kept=("bash -c",)),
)

HEADERS = (
    Row(
        "bearer",
        f"Authorization: Bearer {HUSH}1 then more",
        (HUSH,),
        ("Authorization", "then more"),
    ),
    Row("bearer, letters alone", "bearer abcdefghijklm", ("abcdefghijklm",)),
    Row(
        "bearer in a dict",
        f"{{'Authorization': 'Bearer {HUSH}', 'Host': 'x'}}",
        kept=("'Host': 'x'",),
    ),
    Row("basic", "basic Y2FuYXJ5OmNhbmFyeQ== then", ("Y2FuYXJ5",), ("then",)),
    Row("token", "Authorization: token 0123456789abcdef", ("0123456789abcdef",)),
    Row("scheme of its own", f"Authorization: Floor {HUSH}"),
    Row("no scheme", f"Authorization: {HUSH}"),
    Row("digest", f'Authorization: Digest username="ops", response="{HUSH}"'.replace('"', "")),
    Row(
        "signature of AWS",
        f"Authorization: AWS4-HMAC-SHA256 Credential=a/b, Signature={HEXES}",
        (HEXES,),
    ),
    Row("key behind a bearer", f"Authorization: Bearer {LONG}, X-Api-Key: {HUSH}", (HUSH, LONG)),
    Row(
        "header in front of a key",
        f"Authorization: {BEGIN}\n{BODY}\n{END}\nthen",
        (BODY,),
        ("then",),
    ),
    Row(
        "bearer in front of a key",
        f"Authorization: Bearer {BEGIN}\n{BODY}\n{END}\nthen",
        (BODY,),
        ("then",),
    ),
    Row("cookie", f"Cookie: session={HUSH}; a=b", kept=("Cookie",)),
    Row("set-cookie", f"set-cookie: sid={HUSH}; Path=/\r\nHost: x", kept=("Host: x",)),
    Row(
        "JWT",
        f"got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.{LONG} from",
        (LONG,),
        ("got", "from"),
    ),
    Row("JWT in two parts", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ", ("eyJzdWIi",)),
)

ADDRESSES = (
    Row("URL", f"postgresql://ops:{HUSH}@db/x", kept=("postgresql://", "@db/x")),
    Row("URL without a name", f"redis://:{HUSH}@db/0", kept=("@db/0",)),
    Row("URL with an at in it", f"redis://ops:p@{HUSH}@db/0", kept=("@db/0",)),
    Row("URL with a slash in it", f"postgres://ops:a/{HUSH}@db/x", kept=("@db/x",)),
    Row("URL with a hash in it", f"postgres://ops:#{HUSH}@db/x", kept=("@db/x",)),
    Row(
        "two URLs",
        f"nats://a:{HUSH}@h1:4222,nats://b:{HUSH}@h2:4222",
        kept=("@h1:4222", "@h2:4222"),
    ),
    Row("key in a URL", "https://canary0canary@o1.ingest.example/1", ("canary0canary",), ("/1",)),
    Row("token of NATS", "nats://s3cr3t@nats:4222", ("s3cr3t",), ("@nats:4222",)),
    Row("token of NATS over TLS", "tls://s3cr3t@nats:4222", ("s3cr3t",), ("@nats:4222",)),
    Row("?key=", f"GET /v1/x?key={HUSH}&a=1", kept=("GET /v1/x", "a=1")),
    Row("&key=", f"https://x.example/v1?a=1&key={HUSH}", kept=("a=1",)),
    Row("?api_key=", f"GET /x?api_key={HUSH}&b=1", kept=("b=1",)),
    Row("?apikey=", f"GET /x?apikey={HUSH}&b=1", kept=("b=1",)),
    Row("?token=", f"GET /x?token={HUSH}&b=1", kept=("b=1",)),
    Row("?access_token=", f"GET /x#access_token={HUSH}&b=1", kept=("b=1",)),
    Row("?code=", f"GET /callback?code={HUSH}&state=s", kept=("GET /callback",)),
    Row("?auth=", f"wss://x.example/?auth={HUSH}"),
    Row(
        "presigned by AWS",
        f"https://b.s3.example/k?X-Amz-Algorithm=A&X-Amz-Signature={HEXES}",
        (HEXES,),
        ("X-Amz-Algorithm=A",),
    ),
    Row(
        "credential of AWS",
        "https://b/k?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F2026&X-Amz-Date=1",
        ("AKIAIO",),
        ("X-Amz-Date=1",),
    ),
    Row(
        "token of AWS",
        f"https://b/k?X-Amz-Security-Token={LONG}&X-Amz-Date=1",
        (LONG,),
        ("X-Amz-Date=1",),
    ),
    Row(
        "presigned by AWS as before",
        f"https://b/k?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature={HUSH}",
        (HUSH, "AKIAIO"),
    ),
    Row(
        "presigned by Google",
        f"https://b/k?X-Goog-Signature={HEXES}&X-Goog-Date=1",
        (HEXES,),
        ("X-Goog-Date=1",),
    ),
    Row(
        "signature of Azure",
        f"https://a.blob.example/c?sv=2026&sig={LONG}%3D&se=1",
        (LONG,),
        ("sv=2026",),
    ),
    Row(
        "account of Azure",
        f"AccountName=a;AccountKey={LONG}==;EndpointSuffix=x",
        (LONG,),
        ("AccountName=a",),
    ),
    Row(
        "shared key of Azure",
        f"Endpoint=sb://x/;SharedAccessKeyName=r;SharedAccessKey={LONG}=",
        (LONG,),
        ("sb://x/",),
    ),
    Row("shared signature of Azure", f"SharedAccessSignature=sr={LONG}", (LONG,)),
)

HOOKS = (
    Row(
        "hook of Slack",
        f"https://hooks.slack.com/services/T0/B0/{LONG}",
        (LONG,),
        ("hooks.slack.com",),
    ),
    Row(
        "hook of Discord",
        f"https://discord.com/api/webhooks/1234567890/{LONG}",
        (LONG,),
        ("discord.com",),
    ),
    Row("hook of Discord as before", f"https://discordapp.com/api/webhooks/1/{LONG}", (LONG,)),
    Row(
        "hook of Teams",
        f"https://x.webhook.office.com/webhookb2/{HEXES}@a/IncomingWebhook/{LONG}/b",
        (LONG, HEXES),
    ),
    Row("hook of Teams as before", f"https://outlook.office.com/webhook/{HEXES}@a/x", (HEXES,)),
    Row(
        "flow of Teams",
        f"https://x.logic.azure.com/workflows/w/run?sp=a&sig={LONG}",
        (LONG,),
        ("sp=a",),
    ),
    Row(
        "bot of Telegram",
        f"https://api.telegram.org/bot123456789:AA{LONG}/sendMessage",
        (LONG,),
        ("sendMessage",),
    ),
    Row("token of Telegram", f"using 123456789:AA{LONG} now", (LONG,), ("now",)),
    Row(
        "hook of Zapier", "https://hooks.zapier.com/hooks/catch/123456/abc12d/", ("123456/abc12d",)
    ),
    Row("hook of IFTTT", "https://maker.ifttt.com/trigger/x/with/key/bAcd1234", ("bAcd1234",)),
    Row(
        "hook of PagerDuty",
        f"https://events.pagerduty.com/integration/{HEXES}/enqueue",
        (HEXES,),
        ("enqueue",),
    ),
    Row(
        "ping of a dead man's switch",
        "https://hc-ping.com/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
        ("0a1b2c3d",),
    ),
    Row("hook of Mattermost", "https://chat.example/hooks/xgtkb1w8wtfu8qbs1w9cy4ar", ("xgtkb1w8",)),
    Row("bot of Discord", f"MTIzNDU2Nzg5MDEyMzQ1Njc4.G1a2b3.{LONG}", (LONG,)),
    Row("bot of Slack", "xox" + f"b-123456789012-{LONG}", (LONG,)),
    Row("app of Slack", "xap" + f"p-1-A0-1-{HEXES}", (HEXES,)),
)

TOKENS = tuple(
    Row(name, f"got {text} from x", (text[len(lead) :],), ("got", "from x"))
    for name, lead, text in (
        ("AWS", "AKIA", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS, for a while", "ASIA", "ASIAIOSFODNN7EXAMPLE"),
        ("AWS, letters alone", "AKIA", "AKIACANARYCANARYCANA"),
        ("Alpaca, paper", "PK", "PK3JQ7ZRV1T5X9B2M4ND"),
        ("Alpaca, live", "AK", "AK3JQ7ZRV1T5X9B2M4ND"),
        ("Alpaca, longer", "PK", "PK3JQ7ZRV1T5X9B2M4NDABCDEF"),
        ("Google", "AIza", "AIza" + "C" * 35),
        ("Google, access", "ya29.", f"ya29.{LONG}"),
        ("Google, client", "GOCSPX-", f"GOCSPX-{LONG[:28]}"),
        ("Google, refresh", "1//0", f"1//0{LONG}"),
        ("GitHub", "ghp_", f"ghp_{LONG}"),
        ("GitHub, server", "ghs_", f"ghs_{LONG}"),
        ("GitHub, fine", "github_pat_", f"github_pat_11ABCDEFG0{LONG[:12]}_{LONG}"),
        ("GitLab", "glpat-", "glpat-abcdefghij0123456789"),
        ("GitLab, routed", "glpat-", f"glpat-{LONG}.01.0a1b2c3d4"),
        ("GitLab, deploy", "gldt-", "gldt-abcdefghij0123456789"),
        ("GitLab, runner", "glrt-", "glrt-abcdefghij0123456789"),
        ("Bitbucket", "ATBB", f"ATBB{LONG}"),
        ("Atlassian", "ATATT3", f"ATATT3{LONG}"),
        ("hub of models", "hf_", f"hf_{LONG[:34]}"),
        ("hub of models, letters", "hf_", "hf_abcdefghijklmnopqrstuvwxyzABCDEFGH"),
        ("package index", "pypi-", f"pypi-AgEIcHlwaS5vcmc{LONG}"),
        ("npm", "npm_", f"npm_{LONG}"),
        ("gems", "rubygems_", f"rubygems_{HEXES}"),
        ("crates", "cio", f"cio{LONG[:32]}"),
        ("NuGet", "oy2", f"oy2{'abc4d' * 8}efg"),
        ("Docker Hub", "dckr_pat_", f"dckr_pat_{LONG[:27]}"),
        ("mail of SendGrid", "SG.", f"SG.{LONG[:22]}.{LONG}abcdefg"),
        ("mail of Mailgun", "key-", f"key-{HEXES}"),
        ("mail of Brevo", "xkeysib-", f"xkeysib-{HEXES}{HEXES}-{LONG[:16]}"),
        ("mail of Resend", "re_", f"re_AbCd1234_{LONG[:24]}"),
        ("OpenAI", "sk-", f"sk-{LONG}"),
        ("OpenAI, project", "sk-proj-", f"sk-proj-{LONG}_{LONG}"),
        ("Anthropic", "sk-ant-", f"sk-ant-api03-{LONG}"),
        ("Groq", "gsk_", f"gsk_{LONG}"),
        ("Stripe", "k_live_", "k_live_"[:0] + "sk_li" + "ve_abcdefghij0123456789"),
        ("Stripe, restricted", "", "rk_te" + "st_abcdefghij0123456789"),
        ("Stripe, hook", "whsec_", f"whsec_{LONG}"),
        ("Twilio", "SK", f"SK{HEXES}"),
        ("Vault", "hvs.", "hvs.CAESIabcdefghij0123456789"),
        ("Vault, batch", "hvb.", "hvb.AAAAAQabcdefghij0123456789"),
        ("Terraform", "", f"abcdEFGH12345.atlasv1.{LONG}"),
        ("Databricks", "dapi", f"dapi{HEXES}"),
        ("DigitalOcean", "dop_v1_", f"dop_v1_{HEXES}{HEXES}"),
        ("Grafana", "glsa_", f"glsa_{LONG[:32]}_0a1b2c3d"),
        ("New Relic", "NRAK-", f"NRAK-{LONG[:27].upper()}"),
        ("Sentry", "sntrys_", f"sntrys_{LONG}"),
        ("Linear", "lin_api_", f"lin_api_{LONG}"),
        ("Notion", "ntn_", f"ntn_{LONG}"),
        ("Figma", "figd_", f"figd_{LONG}"),
        ("Shopify", "shpat_", f"shpat_{HEXES}"),
        ("Square", "sq0atp-", f"sq0atp-{LONG[:22]}"),
        ("Tailscale", "tskey-", f"tskey-auth-{LONG}"),
        ("Postman", "PMAK-", f"PMAK-{HEXES}"),
        ("PlanetScale", "pscale_tkn_", f"pscale_tkn_{LONG}"),
        ("age", "AGE-SECRET-KEY-1", f"AGE-SECRET-KEY-1{LONG.upper()}"),
        ("Doppler", "dp.pt.", f"dp.pt.{LONG}"),
        ("seed of NATS", "SU", "SUAIBDPBAUTWCWBKIO6XHQNINK5FWJW4OHLXC3HQ2KFE4PEJUA44CNHTC4"),
    )
)

_LOGGED = "\n".join(
    f"2026-11-30T09:00:0{n}.000Z app {part}"
    for n, part in enumerate((BEGIN, BODY, BODY_TOO, TAIL, END, "went on"))
)
_LOGGED_TAIL = "\n".join(
    f"2026-11-30T09:00:0{n}.000Z {part}"
    for n, part in enumerate((BODY, BODY_TOO, TAIL, END, "then"))
)
BLOCKS = (
    Row("private key", f"a\n{BEGIN}\n{BODY}\n{TAIL}\n{END}\nwent on", _PARTS, ("went on",)),
    *(
        Row(
            f"{kind} private key",
            f"-----BEGIN {kind} {KIND}\n{BODY}\n{TAIL}\n-----END {kind} {KIND}",
            _PARTS,
        )
        for kind in ("RSA", "EC", "OPENSSH", "ENCRYPTED")
    ),
    Row(
        "PGP",
        f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{BODY}\n=aB3d\n"
        "-----END PGP PRIVATE KEY BLOCK-----\nthen",
        _PARTS,
        ("then",),
    ),
    Row(
        "SSH2",
        f"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n{BODY}\n"
        "---- END SSH2 ENCRYPTED PRIVATE KEY ----",
        _PARTS,
    ),
    Row(
        "PuTTY",
        f"PuTTY-User-Key-File-3: ssh-rsa\nPrivate-Lines: 2\n{BODY}\n{TAIL}\nPrivate-MAC: {HEXES}",
        _PARTS,
    ),
    Row(
        "with headers",
        f"{BEGIN}\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,{HEXES}\n\n{BODY}\n{TAIL}\n{END}",
        (*_PARTS, HEXES),
    ),
    Row(
        "indented",
        f"  tls:\n    {BEGIN}\n    {BODY}\n    {TAIL}\n    {END}\n  b: 1",
        _PARTS,
        ("b: 1",),
    ),
    Row("logged with a time before each line", _LOGGED, _PARTS, ("went on",)),
    Row("in one line", f"key {BEGIN}\\n{BODY}\\n{TAIL}\\n{END}\\n then", _PARTS, ("then",)),
    Row(
        "in JSON",
        json.dumps({"k": f"{BEGIN}\n{BODY}\n{TAIL}\n{END}\n", "u": "ops"}),
        _PARTS,
        ("ops",),
    ),
    Row(
        "escaped for a URL",
        f"k={BEGIN.replace(' ', '%20')}%0A{BODY}%0A{END.replace(' ', '+')}&u=ops",
        (BODY,),
        ("ops",),
    ),
    Row("end lost", f"{BEGIN}\n{BODY}\n{BODY_TOO}", (BODY, BODY_TOO)),
    Row(
        "end lost, and more",
        f"{BEGIN}\n{BODY}\n{TAIL}\nwent on as ever",
        _PARTS,
        ("went on as ever",),
    ),
    Row("end lost in one line", f"{BEGIN}\\n{BODY}\\n{BODY_TOO}", (BODY, BODY_TOO)),
    Row("end lost, short", f"{BEGIN}\nMIIEvQIBAD", ("MIIEvQIBAD",)),
    Row("end lost, in a log", "\n".join(_LOGGED.split("\n")[:3]), (BODY, BODY_TOO)),
    Row(
        "two, the first cut",
        f"{BEGIN}\n{BODY}\nwent on\n{BEGIN}\n{BODY_TOO}\n{END}",
        (BODY, BODY_TOO),
        ("went on",),
    ),
    Row("beginning lost", f"{BODY}\n{BODY_TOO}\n{END}\nwent on", (BODY, BODY_TOO), ("went on",)),
    Row("beginning lost, indented", f"a: |\n    {BODY}\n    {END}\nb: 1", (BODY,), ("b: 1",)),
    Row("beginning lost, short", f"{BODY}\n{TAIL}\n{END}", (BODY, TAIL)),
    Row("beginning lost, only the shortest", f"{TAIL}\n{END}\nwent on", (TAIL,), ("went on",)),
    Row("beginning lost, in a log", _LOGGED_TAIL, _PARTS, ("then",)),
    Row("beginning lost, in one line", f"{BODY}\\n{TAIL}\\n{END}\\n then", _PARTS, ("then",)),
    Row(
        "key and a header",
        f"{BEGIN}\n{BODY}\n{END}\nAuthorization: Bearer {LONG} ok",
        (BODY, LONG),
        ("ok",),
    ),
    Row("encoded, in lines", f"LS0tLS1CRUdJTi\n  {BODY}\n", (BODY,)),
)

FILES = (
    Row("htpasswd", "ops:$apr1$Zx81abcd$a1B2c3D4e5F6g7H8i9J0k1", ("a1B2c3D4",), ("ops",)),
    Row("htpasswd, bcrypt", "ops:$2y$05$a1B2c3D4e5F6g7H8i9J0kO", ("a1B2c3D4",), ("ops",)),
    Row("htpasswd, SHA", "ops:{SHA}a1B2c3D4e5F6g7H8i9J0k1L2m3M=", ("a1B2c3D4",), ("ops",)),
    Row("shadow", f"ops:$6$salt$:{LONG}:1".replace("$:", "$"), (LONG,), ("ops",)),
    Row("argon2", f"hash $argon2id$v=19$m=65536$a1B2c3D4${LONG}", (LONG,)),
    Row("pbkdf2 of Django", f"pbkdf2_sha256$260000$a1B2${LONG}=", (LONG,)),
    Row("pgpass", f"db:5432:floor:ops:{HUSH}", kept=("db:5432:floor:ops",)),
    Row("pgpass of any", f"*:*:*:ops:{HUSH}", kept=("ops",)),
    Row("pgpass in lines", f"# mine\ndb.x:6432:floor:ops:{HUSH}\n", kept=("# mine",)),
)

ENCODED = (
    Row("account of Google, base64", _encoded(ACCOUNT), (_encoded(ACCOUNT)[200:240],)),
    Row(
        "account of Google, base64 in lines",
        _over_lines(ACCOUNT),
        tuple(_over_lines(ACCOUNT).split("\n")[1:9]),
    ),
    Row(
        "account of Google, base64 in a pair",
        f"GCP={_encoded(ACCOUNT)} next",
        (_encoded(ACCOUNT)[200:240],),
        ("next",),
    ),
    Row(
        "JSON, base64",
        _encoded(f'{{"password": "{HUSH}"}}'),
        (_encoded(f'{{"password": "{HUSH}"}}')[4:],),
    ),
    Row(
        "settings, base64",
        f"x {_encoded(f'DB_PASSWORD={HUSH}')} y",
        (_encoded(f"DB_PASSWORD={HUSH}"),),
        ("x ", " y"),
    ),
    Row(
        "htpasswd, base64", _encoded("ops:$apr1$Zx81abcd$a1B2c3D4e5F6g7H8i9J0k1"), ("b3BzOiRhcHIx",)
    ),
    Row(
        "pgpass, base64",
        _encoded(f"db:5432:floor:ops:{HUSH}"),
        (_encoded(f"db:5432:floor:ops:{HUSH}"),),
    ),
    Row("name and password, base64", _encoded(f"ops:{HUSH}"), (_encoded(f"ops:{HUSH}"),)),
    Row(
        "docker, base64",
        _encoded(f'{{"auths":{{"r":{{"auth":"{_encoded("ops:" + HUSH)}"}}}}}}'),
        ("eyJhdXRocyI6",),
    ),
    Row("private key, base64", _encoded(f"{BEGIN}\n{BODY}\n{END}\n"), (_encoded(BODY)[8:40],)),
)

SPELLED = (
    Row(
        "full width",
        f"\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44\uff1d{HUSH} next",
        kept=("next",),
    ),
    Row("full-width sign", f"password\uff1a {HUSH} next", kept=("next",)),
    Row("zero width in the name", f"pass\u200bword={HUSH} next", kept=("next",)),
    Row(
        "zero width in the value", "password=hunter\u200b2-Zx81 next", ("hunter", "Zx81"), ("next",)
    ),
    Row("soft hyphen", f"to\u00adken={HUSH}"),
    Row("word joiner", f"api\u2060_key={HUSH}"),
    Row("variation selector", f"secret\ufe0f={HUSH}"),
    Row("bidi marks", f"\u202epassword\u202c={HUSH}"),
    Row("accents", f"p\u00e1ssword={HUSH}"),
    Row("ligature", f"o\ufb03ce_token={HUSH}"),
    Row("no-break blanks", f"password\u00a0=\u00a0{HUSH}\u00a0next", kept=("next",)),
    Row("typographic quotes", f"password: \u201ca {HUSH} b\u201d next", kept=("next",)),
    Row(
        "colours of a terminal",
        f"\x1b[36mpassword\x1b[0m=\x1b[35m{HUSH}\x1b[0m \x1b[1mnext",
        kept=("next",),
    ),
    Row("zeros in between", "\0".join(f"password={HUSH}"), ("h\0u\0n", "hunter")),
    Row("escaped letters", f'{{"\\u0070assword": "{HUSH}"'),
    Row("key in full width", "\uff21\uff2b\uff29\uff21IOSFODNN7EXAMPLE", ("IOSFODNN7",)),
    Row(
        "among other letters",
        f"\u041f\u0440\u0438\u0432\u0435\u0442 password={HUSH} \u043c\u0438\u0440",
        kept=("\u043c\u0438\u0440",),
    ),
    Row("full-width document", f'{{"\uff54\uff4f\uff4b\uff45\uff4e": "{HUSH}"}}'),
)

CORPUS: tuple[Row, ...] = (
    *NAMED, *SAID, *COMMANDS, *HEADERS, *ADDRESSES, *HOOKS, *TOKENS, *BLOCKS, *FILES, *ENCODED,
    *SPELLED,
)  # fmt: skip

HARMLESS: tuple[str, ...] = (
    "max_tokens: 5",
    '{"max_tokens": 5, "prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}',
    "token bucket is full, 5 left of 10",
    "the token bucket: refilled",
    "tokens expired in the bucket of gamma",
    "basic authentication is switched off",
    "bearer authentication was refused",
    "token refreshed yesterday",
    "password is required",
    "the password is wrong, try another one",
    "token is invalid or expired",
    "use --token to log in",
    "no password given",
    "passed 12 of 12, pass: 12, fail: 0",
    "PASS: 12 tests",
    "09:30 PASS tests/floor/Test_1.py",
    "go test PASS in 12.3s",
    "auth: ok",
    "key: heartbeat value: 5",
    "key=EXECUTION_HALTED",
    "keyboard interrupt, monkey business, hockey",
    "mapping: 4, ping: 12, shipping=done, spinning: 3",
    "signal: buy, design: 3, config: x",
    "image: r.example/x@sha256:0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "git_sha=54afffe0a1b2c3d4e5f60718293a4b5c6d7e8f90",
    "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
    "strategy-engine-7d9f8b6c5d-x2x4q",
    "token-service-7d9f8b6c5d-x2x4q restarted",
    "sk-learn-model-training-job",
    "asianmarketsession opened",
    "secretKeyRef: {name: trader-secrets, key: APCA_API_KEY_ID}",
    '{"valueFrom":{"secretKeyRef":{"name":"trader-secrets","key":"APCA_API_KEY_ID"}}}',
    '{"secret":{"secretName":"tls","defaultMode":420}}',
    '{"envFrom":[{"secretRef":{"name":"trader-secrets"}}]}',
    "imagePullSecrets: [{name: regcred}]",
    'auth_tokens_issued_total{service="gamma"} 12',
    'http_requests_total{path="/auth/token",code="200"} 1027',
    "process_resident_memory_bytes 2.4e+07",
    "docker run --user 1000:1000 x",
    "http://strategy-engine:8080/ops/status answered 503",
    "http://x:8080/users/@me",
    "git clone ssh://git@git.example/x.git",
    "https://git@git.example/x.git",
    "mail ops@example.com at 12:30:45",
    "nats://nats.floor:4222",
    "TOKEN_FILE=/var/run/secrets/token",
    "GOOGLE_APPLICATION_CREDENTIALS=/var/secrets/google/key.json",
    "--token-file /var/run/token --verbose",
    "run --password $DB_PASSWORD --token ${TOKEN} --auth $(cat /run/token)",
    "PWD=/srv/app OLDPWD=/srv/other",
    "2001:db8:85a3:8d3:1319:8a2e:370:7348",
    "app.py:12:5: E501 line too long",
    "12:30:45 INFO x:8080:y went on",
    "mkdir -p /srv/app2/data",
    "nc -p 8080 -v",
    "-profile -print0 -pthread",
    "-----BEGIN CERTIFICATE-----",
    "expected -----BEGIN CERTIFICATE----- in the file",
    "MarketDataFreshnessTimestampInUniversalTime",
    "/var/lib/kubelet/pods/volumes/kubernetes.io~projected",
    "SGD.USD and ESG.rating",
    "exit code=5, code: 12",
    "seed: 42, RANDOM_SEED=7",
    "PKI rollout of the AKS cluster",
    "cost $5 to $60 of $100",
    "Привет мир, grüße, 日本語のログ",
    "\u2713 done \u2014 went on",
)
"""Look-alikes that have to stay as they are."""
