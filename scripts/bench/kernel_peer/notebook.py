"""Runs a notebook from top to bottom by nbclient; --write keeps the outputs in it."""
import sys
import time

import nbclient
import nbformat

path = sys.argv[1]
notebook = nbformat.read(path, as_version=4)
before = time.time()
nbclient.NotebookClient(notebook, timeout=600, kernel_name="seep").execute()
code = [cell for cell in notebook.cells if cell.cell_type == "code"]
pictures = sum("image/png" in out.get("data", {}) for cell in code for out in cell.outputs)
print(f"{path.split('/')[-1]}: {len(code)} cells, {pictures} pictures, {time.time() - before:.1f} s")
if "--write" in sys.argv:
    for cell in code:
        cell.metadata.pop("execution", None)
    nbformat.write(notebook, path)
