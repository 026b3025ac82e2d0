"""The same 50 tasks, for pyinfra."""
from io import StringIO

from pyinfra import host
from pyinfra.operations import files, server

base = host.data.bench_dir
for n in range(10):
    files.directory(path=f"{base}/d{n}", mode="755")
for n in range(20):
    text = f"# file {n} of {host.name}\n" + "".join(f"setting_{i} = {n * i}\n" for i in range(10))
    files.put(src=StringIO(text), dest=f"{base}/d{n % 10}/f{n}")
for n in range(10):
    files.line(path=f"{base}/lines", line=f"line {n} of {host.name}", ensure_newline=True)
for n in range(10):
    server.shell(commands=[f"test -e {base}/c{n} || touch {base}/c{n}"])
