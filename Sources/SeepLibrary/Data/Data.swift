// Data sets: images with labels, split into what is public, what clients keep private, and a test part.
import Autodiff
import Ground
import Networks
import SeepLanguage
import Tensors

/// A run of examples: `digits.public`.
final class DataPart: Foreign {
  let name: String
  /// `[n, channels, height, width]` in 0…1.
  let images: Tensor
  /// int64 `[n]`.
  let labels: Tensor
  /// What the labels stand for, where that is known.
  let classes: [String]?

  init(name: String, images: Tensor, labels: Tensor, classes: [String]? = nil) {
    self.name = name
    self.images = images
    self.labels = labels
    self.classes = classes
  }

  var typeName: String { "data" }
  var fieldNames: [String] { ["images", "labels", "classes"] }
  var count: Int? { labels.size }

  func field(_ name: String, in session: Session) throws -> Value? {
    switch name {
    case "images": Value(TensorValue(Variable(images)))
    case "labels": Value(TensorValue(Variable(labels)))
    case "classes": classes.map { Value(list: $0.map { Value($0) }) } ?? Value.none
    default: nil
    }
  }

  func element(_ index: Int, in session: Session) throws -> Value {
    Value(
      tuple: [
        Value(TensorValue(Variable(try images.select(axis: 0, index: index)))),
        Value(Int(try labels.select(axis: 0, index: index).item())),
      ])
  }

  /// An int gives the pair (image, label); a range or list gives another part.
  func index(_ items: [IndexItem], in session: Session) throws -> Value? {
    guard items.count == 1 else {
      throw Fault("bad-index", "a data set has one axis, and \(items.count) indices were given")
    }
    if case .int(let index) = items[0] {
      let size = labels.size
      let at = index < 0 ? index + size : index
      guard at >= 0, at < size else {
        throw Data.outside(index, size)
      }
      return try element(at, in: session)
    }
    return Value(
      DataPart(
        name: name, images: try TensorIndex.read(Variable(images), items).value,
        labels: try TensorIndex.read(Variable(labels), items).value, classes: classes))
  }

  func display(_ style: DisplayStyle) -> String {
    "\(name): \(labels.size) images of \(images.shape.dropFirst().map(String.init).joined(separator: "×"))"
  }
}

/// `dataset("digits")`.
final class DataSet: Foreign {
  let name: String
  let parts: [(name: String, part: DataPart)]
  let about: String

  init(name: String, parts: [(name: String, part: DataPart)], about: String) {
    self.name = name
    self.parts = parts
    self.about = about
  }

  var typeName: String { "dataset" }
  var fieldNames: [String] { parts.map(\.name) + ["about"] }

  func field(_ name: String, in session: Session) throws -> Value? {
    if name == "about" { return Value(about) }
    return parts.first { $0.name == name }.map { Value($0.part) }
  }

  func display(_ style: DisplayStyle) -> String {
    "dataset \(name): " + parts.map { "\($0.name) \($0.part.labels.size)" }.joined(separator: ", ")
  }
}

enum Data {
  static let names = ["digits", "faces"]

  /// The examples of each part, in the order in which they lie in the file.
  static let digitParts = [("public", 0..<3000), ("private", 3000..<4500), ("test", 4500..<5000)]
  static let faceParts = [("public", 0..<320), ("private", 320..<400)]

  static func outside(_ index: Int, _ size: Int) -> Fault {
    Fault("index-out-of-range", "example \(index) of a data set of \(size)", help: "an index from 0 to \(size - 1)")
  }

  /// A part given as an argument: a part, or the pair (images, labels).
  static func part(_ call: Call, _ name: String) throws -> DataPart {
    if let items = call[name].asItems, items.count == 2, let images = items[0].foreign(as: TensorValue.self),
      let labels = items[1].foreign(as: TensorValue.self)
    {
      return DataPart(name: "given", images: images.tensor, labels: try labels.tensor.converted(to: .int64))
    }
    if call[name].foreign(as: DataSet.self) != nil {
      throw call.fault(
        "type-mismatch", "`\(call.name)` needs one part of a data set, not the whole", argument: name,
        help: "its .public, .private or .test part")
    }
    return try call.foreign(as: DataPart.self, name, kind: "a part of a data set, or a pair (images, labels)")
  }

  private static func slice(_ name: String, _ images: Tensor, _ labels: Tensor, _ range: Range<Int>) throws -> DataPart
  {
    DataPart(
      name: name, images: try images.slice(axis: 0, from: range.lowerBound, to: range.upperBound),
      labels: try labels.slice(axis: 0, from: range.lowerBound, to: range.upperBound))
  }

  /// MNIST's 5,000-image subset: the first 3,000 public, then 1,500 the clients', then 500 for testing.
  static func digits() throws -> DataSet {
    let images = try Idx.images(Home.path("data/digits-images-idx3-ubyte.gz"))
    let labels = try Idx.labels(Home.path("data/digits-labels-idx1-ubyte.gz"))
    return DataSet(
      name: "digits",
      parts: try digitParts.map { ($0, try slice("digits.\($0)", images, labels, $1)) },
      about: "5,000 handwritten digits of MNIST, 28×28 (Y. LeCun, C. Cortes, C. J. C. Burges; CC BY-SA 3.0)")
  }

  /// The ORL faces: people 0…31 public, 32…39 the clients'.
  static func faces(size: Int) throws -> DataSet {
    var images = try Idx.images(Home.path("data/faces-images-idx3-ubyte.gz"))
    let labels = try Idx.labels(Home.path("data/faces-labels-idx1-ubyte.gz"), classes: 40)
    if size != images.shape[2] { images = try Variable(images).resize(height: size, width: size, mode: .area).value }
    return DataSet(
      name: "faces",
      parts: try faceParts.map { ($0, try slice("faces.\($0)", images, labels, $1)) },
      about:
        "400 portraits of 40 people, the ORL Database of Faces of AT&T Laboratories Cambridge (F. Samaria, A. Harter, 1994)"
    )
  }
}

let dataBuiltins: [Builtin] = [
  Builtin(
    "dataset(name, size: none)", group: "data",
    """
    Real images that come with Seep, split into `public` and `private` (the clients') parts. "digits": MNIST, 28×28, 10 classes,
    also with a `test` part. "faces": 40 people, grey, `size` 64 or 32 pixels, split by person. A part has `.images`, `[n, c, h, w]` in 0…1, and `.labels`;
    `part[3]` is the pair (image, label), `part[0..10]` a smaller part.
    """, example: "print(dataset(\"digits\"))  # expect: dataset digits: public 3000, private 1500, test 500"
  ) { call in
    let name = try call.choice("name", of: Data.names)
    let size = try call.optionalInt("size")
    if name == "digits" {
      if let size, size != 28 {
        throw call.fault("out-of-range", "the digits have 28 pixels, not \(size)", argument: "size")
      }
      return Value(try Data.digits())
    }
    guard [nil, 32, 64].contains(size) else {
      throw call.fault("out-of-range", "the faces come with 64 or 32 pixels, not \(size ?? 0)", argument: "size")
    }
    return Value(try Data.faces(size: size ?? 64))
  }
]
