/**
 * Manifests by path that two readers may easily see differently: odd spellings, text beyond
 * ASCII, credentials, contradictions.
 */
export const HARD_MANIFESTS: Readonly<Record<string, string | Buffer>> = {
  "hard/go/go.mod": [
    'module "example.org/hard" // with a comment',
    "go 1.16",
    "require (",
    "\texample.org/a v1.0.0 // indirect; and more",
    "\texample.org/b/v2 v2.0.0-20240101000000-abcdefabcdef // indirect here means nothing",
    "\tgithub.com/Azure/c v3.0.0+incompatible // indirect",
    "\texample.org/d v0.1.0",
    "\texample.org/e v0.1.0",
    ")",
    "replace example.org/a => example.org/fork v1.2.3",
    "replace (",
    '\texample.org/d => "../gemeinsam/\u00fc \u{1f680}"',
    '\texample.org/e v0.1.0 => "../gemeinsam/\u00fc \u{1f680}"',
    "\texample.org/e => ../other",
    ")",
    "exclude example.org/d v0.0.1",
    "retract v0.0.1",
  ].join("\r\n"),
  "hard/go/go.sum": [
    "example.org/fork v1.2.3 h1:kuoIxZQy2WRRk1pttg9asf+WVv6tWQuBNVmK8+nqPr0=",
    "example.org/only/here v1.9.0 h1:vuTpXDuoga+Z38m1OZHzl7NKisKWaWlhjQk7IDPSLsU=",
    "example.org/only/here v1.10.0-rc.1 h1:3NFvRMRsolvDzkXh39NCzwdEMcKjxtlOQMTQXPeKZhs=",
    "",
  ].join("\n"),
  "hard/go/leaf/go.mod": "module example.org/leaf\n\ngo 1.26rc1\n",
  "hard/rust/Cargo.lock": `
version = 3

[[package]]
name = "member-a"
version = "0.1.0"
dependencies = ["private 1.0.0+build.1", "tool", "private 1.0.0+build.1"]

[[package]]
name = "member-b"
version = "0.2.0"

[[package]]
name = "private"
version = "1.0.0+build.1"
source = "registry+https://user:token@crates.example.org/index/~x y"
checksum = "08d43f7aa6b08d49f382cde6a7982047c3426db949b1424bc4b7ec9ae12c6ce2"

[[package]]
name = "tool"
version = "2.0.0-beta.1"
source = "git+ssh://git@example.org/tool.git?tag=v2#bdbaf8007364ed2a766cca851d63de31b7c47e72"
`,
  "hard/rust/empty/Cargo.lock": "version = 4\n",
  "hard/rust/fault/Cargo.lock": 'version = 4\n\n[[package]]\nname = "a"\nname = "b"\n',
  "hard/python/requirements.txt": [
    "Zope.Interface [ test , docs ] ( >= 5.0 , != 5.1 ) ; python_version < '3.13' # odd",
    "a===1.0+local",
    "b~=2.0,>=2.0.1 ;extra == 'x;y' or sys_platform=='win32'",
    "tool @ https://user:token@example.org/~tool/a%20b.zip ; os_name == 'nt'",
    "git+ssh://git@example.org/x.git@main#subdirectory=d&egg=x_y.z",
    "--requirement=more.txt --no-index",
    "-r more.txt",
    'c==1.0 --config-settings "--x=y" \\',
    "  --hash=sha256:8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254",
    "./wheels/d-1.0-py3-none-any.whl",
    "",
  ].join("\r\n"),
  "hard/python/more.txt": "e ==1.* \\\n",
  "hard/python/requirements-utf16.txt": Buffer.from("\ufefff==1.0\r\nF>=1\r\n", "utf16le"),
  "hard/python/pyproject.toml": `
[project]
name = "na\u00efve \\u2028 \u{1f680} \\u0001 \\"quoted\\" \\u007f"
dependencies = ["g==1.0", "G[z,y]", "g ; python_version >= \\"3.12\\""]
optional-dependencies = { "\uffee" = ["h==1!2.0"], "\u{1f680}" = ["h==1!2.0"] }

[tool.poetry.dependencies]
python = ">=3.11"
i = "1 . 2"
j = [{ version = "~3", markers = "" }, { path = "../\u{1f680}" }, { path = "../\uffee" }]
k = { git = "https://user:token@example.org/k.git", branch = "x/y", extras = ["e", 1] }
l = { url = "https://example.org/l.zip#sha1=0" }
same = { path = "../shared" }
other = { path = "../shared", optional = true }

[tool.poetry.group.main.dependencies]
i = "*"
`,
  "hard/python/fault/pyproject.toml": '[project]\nname = "a"\ndependencies = 1\n',
  "hard/python/cut/pyproject.toml": '[project]\nname = "a"\ndependencies = [\n  "b",\n',
};
