// The codes of clients, defenses, attacks, metrics and audits.
import SeepLanguage

extension Explanation {
  static let leakage: [Explanation] = [
    Explanation(
      "bad-defense",
      "A defense written as a function gave gradients of other shapes or another number of tensors than it got. `map_tensors` keeps both."
    ),
    Explanation(
      "bad-label", "A label is not one of the classes that the prior or model knows.",
      example: "sample(prior(\"digits\"), label: 12)    # expect error: bad-label"),
    Explanation(
      "bad-manifest",
      "The notes beside a captured update (examples, steps, batch size, scale, sign) contradict each other or are missing. See [Audit your own model](audit-your-own.md)."
    ),
    Explanation(
      "bad-shape", "Images are batches `[n, channels, height, width]` or one image `[channels, height, width]`.",
      example: "ssim(ones(3), ones(3))            # expect error: bad-shape"),
    Explanation(
      "batch-too-small",
      "The defense mixes several images, and the batch has fewer. Share a larger batch, or give it images to mix with: `pool: digits.public`.",
      example:
        "let (x, y) = dataset(\"digits\").private[0]\nshare(lenet(), x, y, defense: mixup(2))   # expect error: batch-too-small"
    ),
    Explanation(
      "canary-mismatch",
      "Your client computed another update of a known example than Seep does. The diagnostic says what differs: sign, scale, mean or sum, mode, normalisation, order of channels, labels.",
      example:
        "let (x, y) = dataset(\"digits\").private[0]\nlet net = lenet()\ncanary(2 * share(net, x, y), net, x, y)   # expect error: canary-mismatch"
    ),
    Explanation(
      "changed-audit",
      "The file at `path:` holds an audit with other settings, which the diagnostic lists. Take another path, or remove the file to begin anew; results of two settings are never mixed.",
      example:
        "let d = dataset(\"digits\")\nlet (net, attacks) = (lenet(), [class_mean(d.public)])\nfn table(labels) {\n  audit(model: net, data: d.private, attacks: attacks, images: 1, path: \"a.audit\", labels: labels)   # expect error: changed-audit\n}\ntable(\"inferred\")\ntable(\"told\")"
    ),
    Explanation(
      "diverged",
      "The search left all numbers before it found anything. A smaller learning rate, or images kept in 0…1, help."),
    Explanation(
      "journal-busy",
      "Another process has kept the audit's file locked for a minute. Two processes may share one; a third program that holds it open for writing may not."
    ),
    Explanation("journal-failed", "SQLite refused the audit's file; the message gives its reason."),
    Explanation(
      "kind-mismatch", "`>>` composes functions with functions, layers with layers, defenses with defenses.",
      example:
        "lenet() >> dlg()                  # expect error: kind-mismatch"
    ),
    Explanation(
      "misplaced", "The function has a meaning only in a certain place: `report` inside of an attack.",
      example: "report(zeros(1, 28, 28), loss: 1.0)   # expect error: misplaced"),
    Explanation(
      "mixed-composition",
      "A defense and a layer do not compose: a defense goes from update to update, a layer from images to images.",
      example: "clip(1) >> dense(3)               # expect error: mixed-composition"),
    Explanation(
      "needs-batch",
      "The defense works on single examples or looks at the client's batch; an update alone has neither. Give it to `share(model, x, y, defense: …)`.",
      example: "share(lenet(), zeros(1, 28, 28), 3) |> soteria(0.1)   # expect error: needs-batch"),
    Explanation(
      "needs-clients",
      "Secure aggregation sends the sum of several clients' updates. Use it in `federate`, or `aggregate` several updates.",
      example: "share(lenet(), zeros(1, 28, 28), 3, defense: secure_aggregate())   # expect error: needs-clients"),
    Explanation(
      "needs-model", "This rule of label inference asks the model what it answers to noise. Give it `model: net`.",
      example: "infer_labels(share(lenet(), rand(1, 28, 28), 3), rule: \"count_softmax\")   # expect error: needs-model"
    ),
    Explanation(
      "needs-size",
      "The guarantee depends on the number of tensors or of examples in a batch. Give `of: shared` or `batch: n`.",
      example: "epsilon(clip(1, per: \"layer\") >> noise(1))   # expect error: needs-size"),
    Explanation(
      "no-classes", "The defense mixes labels, and the model does not end in one number per class.",
      example: "share(conv(2, kernel: 3), rand(2, 1, 8, 8), [0, 1], defense: mixup(2))   # expect error: no-classes"),
    Explanation(
      "no-last-layer",
      "Labels and representations are read at the last dense layer, and there is none. Give `labels:` instead, where labels are meant.",
      example: "representation_mse(conv(2, kernel: 3), rand(1, 8, 8), rand(1, 8, 8))   # expect error: no-last-layer"),
    Explanation(
      "no-leak", "An attack returned no image and had reported none. Return one, or call `report` on the way.",
      example:
        "let net = lenet()\nfn idle(shared, model) { none }\nidle.run(share(net, zeros(1, 28, 28), 3), net)   # expect error: no-leak"
    ),
    Explanation(
      "no-other-image", "Re-identification of a person needs another photograph of the same person in the gallery.",
      example:
        "let f = dataset(\"faces\").private[9..31]\nreidentify(f.images[0], f, 0)     # expect error: no-other-image"),
    Explanation(
      "no-privacy-bound",
      "No ε follows from the defense: noise without clipping, clipping without noise, or neither. `dp(…)` has both.",
      example: "epsilon(noise(1))                 # expect error: no-privacy-bound"),
    Explanation(
      "no-such-class", "None of the public images has the label that the control needs."
    ),
    Explanation(
      "no-such-image", "The secret image is not among those given.",
      example:
        "identify(rand(1, 28, 28), dataset(\"digits\").private[0..5], rand(1, 28, 28))   # expect error: no-such-image"),
    Explanation(
      "not-a-prior",
      "The file holds weights without the notes that make a prior of them. `save_prior` writes both; `generator(file)` reads published weights of known architectures.",
      example: "save({a: ones(2)}, \"w.safetensors\")\nprior(\"w.safetensors\")            # expect error: not-a-prior"),
    Explanation(
      "not-an-image", "An attack returned something that is no image of the shape the model takes.",
      example:
        "let net = lenet()\nfn wrong(shared, model) { \"a cat\" }\nwrong.run(share(net, zeros(1, 28, 28), 3), net)   # expect error: not-an-image"
    ),
    Explanation(
      "not-declared",
      "An attack asked the update for something that its threat model does not list. Add it to `knows:`, where the attacker does know it.",
      example:
        "fn peek(shared, model) { shared.defense }   # expect error: not-declared\nlet net = lenet()\npeek.run(share(net, zeros(1, 28, 28), 3, defense: clip(1)), net)"
    ),
    Explanation(
      "other-kind",
      "The attack needs one gradient, and the update is a difference of weights after several steps. `as_gradient(update)` is an approximation that must be asked for.",
      example:
        "let net = lenet()\nlet d = dataset(\"digits\").private[0..4]\nlet u = local_update(net, d.images, d.labels, steps: 2)\nggl(prior: prior(\"digits\")).run(u, net)   # expect error: other-kind"
    ),
    Explanation(
      "other-loss",
      "The update is the gradient of another loss, or of a multiple, than the one attacks compare with. The manifest of a captured update says which."
    ),
    Explanation(
      "other-mode",
      "The update was made with batch normalisation in train mode, or by a defense that excludes it, and the other side computes in eval mode. Share with `mode: \"eval\"`.",
      example:
        "let net = dense(8) >> batch_norm >> relu >> dense(10)\nlet u = share(net, rand(2, 4), [1, 2], mode: \"train\")\nretrieval(dataset(\"digits\").public).run(u, net)   # expect error: other-mode"
    ),
    Explanation(
      "too-few", "An interval needs two values, a gallery two images, each client an example; there are fewer.",
      example:
        "paired_interval([1.0], [2.0])     # expect error: too-few"
    ),
  ]
}
