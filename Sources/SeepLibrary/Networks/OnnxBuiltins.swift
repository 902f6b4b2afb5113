// `onnx`: a client's own network.
import Ground
import Networks
import SeepLanguage

let onnxBuiltins: [Builtin] = [
  Builtin(
    "onnx(path, folded: false, fixed: [])", group: "models",
    """
    The network in an ONNX file as a model like any other: differentiable, trainable, its parameters named as in the file. Operators of versions (opsets) 9 to
    23 that image classifiers and fully connected networks are exported to; one that Seep does not know is named with its node.

    From PyTorch: `torch.onnx.export(model, (x,), "client.onnx", dynamo=False, training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)`. By default
    PyTorch folds batch normalisation into convolutions: the network is then another one, with other gradients, and is taken only with `folded: true`, for its
    logits. `fixed` names tensors that the client does not train (its buffers, such as means of pixels). A batch size in the file does not bind.
    """,
    example: """
      try { onnx("no such file.onnx") } catch e { print(e.code) }   # expect: file-not-found
      """
  ) { call in
    let path = try call.string("path")
    let fixed = try call.list("fixed").map { item -> String in
      guard let name = item.asString else {
        throw call.fault(
          "type-mismatch", "`fixed` lists names of tensors, not \(described(item))", argument: "fixed",
          help: "fixed: [\"mean\", \"std\"]")
      }
      return name
    }
    let (folded, key) = (try call.bool("folded"), call.session.nextKey(for: "model"))
    return Value(
      ModelValue(try blaming(call, "path") { try Onnx.read(path, folded: folded, fixed: fixed, key: key) }))
  }
]
