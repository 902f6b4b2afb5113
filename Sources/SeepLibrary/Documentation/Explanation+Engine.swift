// The codes of tensors, derivatives, networks and files.
import SeepLanguage

extension Explanation {
  static let engine: [Explanation] = [
    Explanation(
      "ambiguous-truth",
      "A tensor of several numbers is neither true nor false. Say `all(…)`, `any(…)`, or compare its `sum`.",
      example: "if ones(2) > 0 { 1 }              # expect error: ambiguous-truth"),
    Explanation(
      "bad-argument",
      "An argument lies outside of what the function, defense, layer or attack takes; the message names it and its limits.",
      example: "clip(-1)                          # expect error: bad-argument"),
    Explanation(
      "bad-axis", "The tensor has no such axis. Axes count from 0, or from the end by -1, -2, …",
      example: "sum(ones(2, 3), axis: 2)          # expect error: bad-axis"),
    Explanation(
      "bad-batch",
      "Batch normalisation in train mode needs several values per channel, and the batch has one. Use at least two examples, or eval mode.",
      example: "let net = dense(2) >> batch_norm\nnet.mode(\"train\")(ones(1, 3))      # expect error: bad-batch"),
    Explanation(
      "bad-file",
      "The file is not what its name or the call says, or it is damaged. The diagnostic says at which part reading stopped.",
      example: "write_text(\"net.onnx\", \"no network\")\nonnx(\"net.onnx\")                  # expect error: bad-file"),
    Explanation(
      "bad-index", "An update takes one name or number; a slice of a tensor has a step of at least 1.",
      example: "share(lenet(), zeros(1, 28, 28), 3)[0, 1]   # expect error: bad-index"),
    Explanation(
      "bad-name",
      "A name cannot be kept in a file of this format, because of a tab, a newline, a slash, or its length. Rename the field.",
      example: "save({\"a/b\": 1}, \"x.safetensors\") # expect error: bad-name"),
    Explanation(
      "cannot-save",
      "A file of this format cannot hold the value. `.safetensors` keeps records of tensors, numbers and texts; `.npz` tensors alone; reports are saved from audits.",
      example: "save({x: 1}, \"x.npz\")             # expect error: cannot-save"),
    Explanation(
      "disk-full",
      "There is no space left where the file is to be. Nothing was replaced: the file that was there before is whole."),
    Explanation(
      "dtype-mismatch",
      "float32 meets float64. Neither is converted silently: `to(x, float64)` or `to(x, float32)` says which is meant.",
      example: "ones(2) + ones(2, dtype: float64) # expect error: dtype-mismatch"),
    Explanation(
      "duplicate-name",
      "Two things that are found by name have the same one: names that one `let` or one function binds, fields of a record, rows of an audit, tensors of a file. Give one of them a name of its own; `_` stands for what is not needed.",
      example:
        "let d = dataset(\"digits\")\nlet twice = [class_mean(d.public), class_mean(d.public)]\naudit(model: lenet(), data: d.private, images: 1, attacks: twice)   # expect error: duplicate-name"
    ),
    Explanation(
      "empty", "There is nothing to work on: no images, no tensors, no members.",
      example: "let none_left = zeros(0, 1, 12, 12)\nssim(none_left, none_left)        # expect error: empty"),
    Explanation(
      "empty-tensor", "The reduction has no value for a tensor without elements.",
      example: "max(zeros(0))                     # expect error: empty-tensor"),
    Explanation(
      "engine-failure",
      "oneDNN, BLAS or LAPACK refused a computation, such as an eigendecomposition that did not converge. Please report it with the shapes that the message shows."
    ),
    Explanation(
      "folded-batch-norm",
      "The exporter of an ONNX file merged batch normalisation into the convolutions. Then the network's parameters are not those that the client trains. Export in training mode, as [Audit your own model](audit-your-own.md) shows."
    ),
    Explanation(
      "gnuplot-failed",
      "gnuplot, which writes plots to `.svg`, `.png` and `.pdf` files, could not be started or did not draw the plot; the message has its last line. No file was written."
    ),
    Explanation(
      "gnuplot-missing",
      "Plots are written to `.svg`, `.png` and `.pdf` files by gnuplot, and no folder of PATH has it. On Debian and Ubuntu `apt-get install gnuplot-nox` installs it. The terminal draws plots without it, and `save(plot, \"x.txt\")` writes that text."
    ),
    Explanation(
      "image-not-encoded", "The PNG library could not write the image; the message gives its reason."),
    Explanation(
      "image-too-small",
      "A metric needs larger images: `ms_ssim` sides above 160 pixels, since it halves them four times.",
      example: "ms_ssim(rand(1, 28, 28), rand(1, 28, 28))    # expect error: image-too-small"),
    Explanation(
      "missing-library",
      "A library that is loaded when it is needed is not installed, such as libzmq for notebooks. The diagnostic names the package."
    ),
    Explanation(
      "missing-parameter",
      "A file of weights lacks a tensor that is needed. The diagnostic says under which names it was looked for.",
      example:
        "save({a: ones(2)}, \"w.safetensors\")\nlpips(rand(3, 64, 64), rand(3, 64, 64), weights: \"w.safetensors\")   # expect error: missing-parameter"
    ),
    Explanation(
      "missing-weights",
      "`lpips` needs published weights, which do not come with Seep. The diagnostic prints the command that writes them to a file.",
      example: "lpips(rand(3, 64, 64), rand(3, 64, 64))   # expect error: missing-weights"),
    Explanation(
      "model-not-built",
      "Layers learn their sizes from the first example, and this model has met none. Call it once: `net(zeros(1, 28, 28))`, or share from it.",
      example:
        "let net = flatten >> dense(10)\ninverting_gradients().run(share(lenet(), zeros(1, 28, 28), 3), net)   # expect error: model-not-built"
    ),
    Explanation(
      "no-connection",
      "The notebook kernel could not open its sockets. Usually another kernel holds them; start it again from Jupyter."),
    Explanation(
      "no-images", "There is no PNG or JPEG file in the folder or below it.",
      example: "make_folder(\"empty\")\nload_images(\"empty\")              # expect error: no-images"),
    Explanation(
      "no-key",
      "A layer such as `dropout` draws random numbers in train mode, and a gradient outside of `train` and `share` has no key for them. Use eval mode.",
      example:
        "let net = flatten >> dropout(0.5) >> dense(10)\nnet.mode(\"train\").gradient(rand(1, 28, 28), 3)   # expect error: no-key"
    ),
    Explanation(
      "non-scalar-gradient",
      "`grad` differentiates a function that returns one number. Reduce it (`sum`, `mean`), or ask `vjp` for a product with the Jacobian.",
      example: "grad(x => x * 2)(ones(3))         # expect error: non-scalar-gradient"),
    Explanation(
      "not-differentiable",
      "The argument of a differentiated function holds no tensors or numbers, or the value of the function does not depend on it: it was computed from constants, behind `stop_gradient`, or by comparisons alone. Where a gradient of zero is meant, add `0 * sum(x)`.",
      example: "grad(x => 1.0)(\"text\")            # expect error: not-differentiable"),
    Explanation(
      "not-finite",
      "NaN or infinity appeared where numbers are needed: a loss in training, an update, a matrix. The diagnostic says where it appeared first, and which operation gave it; often the learning rate is too large.",
      example:
        "let net = lenet()\nlet (x, y) = dataset(\"digits\").private[0]\nlet u = share(net, x, y) / 0\ninverting_gradients(steps: 2).run(u, net)   # expect error: not-finite"
    ),
    Explanation(
      "not-positive-definite",
      "The covariance of a Gaussian process could not be factored even with jitter. Points of the search coincide; begin with more `initial` points."
    ),
    Explanation(
      "ragged-list",
      "The lists inside of a list have different lengths, so they make no tensor. `pad` or cut them, or keep the list.",
      example: "tensor([[1, 2], [3]])             # expect error: ragged-list"),
    Explanation(
      "shape-mismatch",
      "The shapes of two tensors do not go together. The diagnostic shows both under their expressions and, where there is one, a reshape that makes them fit.",
      example: "ones(2, 3) @ ones(2, 3)           # expect error: shape-mismatch"),
    Explanation("too-large", "An `.npz` file holds at most 4 GB and 65,534 arrays. Use `.safetensors`."),
    Explanation(
      "truncated-file",
      "The file ends before its own header says. It may be an interrupted copy or download; a checkpoint that Seep writes is never left so.",
      example:
        "write_text(\"half.safetensors\", \"\\u{10}\\u{0}\\u{0}\\u{0}\\u{0}\\u{0}\\u{0}\\u{0}\")\nload(\"half.safetensors\")          # expect error: truncated-file"
    ),
    Explanation(
      "unknown-format",
      "The ending of the file's name says the format, and this one is not known for the value. The diagnostic lists those that are.",
      example: "save(lenet(), \"net.xyz\")          # expect error: unknown-format"),
    Explanation(
      "unsupported-operator",
      "An ONNX file uses an operator, or a form of one, that Seep does not read. The diagnostic names the node; networks exported from PyTorch for training usually avoid it."
    ),
    Explanation(
      "unsupported-opset",
      "The ONNX file is of an operator version that Seep does not know. Export with `opset_version=17`."),
    Explanation(
      "wrong-arguments",
      "A defense, model or attack that is called as a function takes one value. Options go where it is made: `clip(4)(update)`.",
      example: "clip(1)(2, 3)                     # expect error: wrong-arguments"),
  ]
}
