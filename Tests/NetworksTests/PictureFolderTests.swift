// Archives of arrays and folders of pictures: what is written is read again, and what is wrong is named.
import Foundation
import Ground
import Networks
import Tensors
import Testing

@Suite struct PictureFolderTests {
  @Test("npz: what is written is read again")
  func npz() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/x.npz"
      let tensors: [(name: String, value: Tensor)] = [
        ("conv1.weight", try Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3]).transposed()),
        ("große", try Tensor([Int64.min, .max], shape: [2])), ("none", try Tensor([Double](), shape: [0, 2])),
      ]
      try Npz.write(tensors, to: path)
      let file = try Npz.read(path)
      #expect(file.names == tensors.map(\.name))
      for (name, value) in tensors {
        let found = try #require(file[name])
        #expect(found.shape == value.shape && found.dtype == value.dtype)
        #expect(try found.doubles() == value.doubles())
      }
      #expect(throws: Fault.self) { try Npz.write([tensors[0], tensors[0]], to: path) }
    }
  }

  /// A white and a black picture in the folders "cats" and "dogs".
  private func pets(_ body: (String) throws -> Void) throws {
    try withTemporaryFolder { folder in
      for (name, value) in [("cats", 1.0), ("dogs", 0.0)] {
        try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
        try Png.write(Tensor.full([3, 6, 8], value), to: "\(folder)/\(name)/a.png")
      }
      try body(folder)
    }
  }

  @Test func classesAreFolders() throws {
    try pets { folder in
      let found = try ImageFolder(folder)
      #expect(found.classes == ["cats", "dogs"])
      let (images, labels) = try found.load(size: 4, grey: true, limit: nil) { _, _ in }
      #expect(images.shape == [2, 1, 4, 4])
      #expect(try labels.integers() == [0, 1])
      #expect(try abs(images.floats()[0] - 1) < 1e-6 && images.floats()[16] == 0)
      #expect(try found.load(size: nil, grey: false, limit: 1) { _, _ in }.images.shape == [1, 3, 6, 8])
    }
  }

  @Test("labels by a list: CelebA's attributes, a table, names that lead out of the folder")
  func lists() throws {
    try pets { folder in
      func listed(_ text: String, _ attribute: String? = nil) throws -> ImageFolder {
        try writeBytes(Array(text.utf8), to: "\(folder)/list.txt")
        return try ImageFolder(folder, listed: "\(folder)/list.txt", attribute: attribute)
      }
      let celeba = "2\nMale Young\ncats/a.png -1  1\ndogs/a.png  1 1\n"
      let male = try listed(celeba, "Male")
      #expect(male.labels == [0, 1])
      #expect(male.classes == ["not Male", "Male"])
      #expect(try male.load(size: 2, grey: true, limit: nil) { _, _ in }.images.shape == [2, 1, 2, 2])
      #expect(try listed("file,kind\ndogs/a.png,b\ncats/a.png,a\n").labels == [1, 0])
      #expect(try listed("file,label\ndogs/a.png,7\n").labels == [7])
      #expect(throws: Fault.self) { try listed(celeba, "Male ") }
      #expect(throws: Fault.self) { try listed(celeba) }
      #expect(throws: Fault.self) { try listed("3\nMale\na.png 1\n") }
      #expect(throws: Fault.self) { try listed("file,label\n../a.png,1\n") }
      #expect(throws: Fault.self) { try listed("file,label\na.png,1,2\n") }
    }
  }

  @Test("a picture is known by its first bytes, whatever its name")
  func wrongName() throws {
    let image = try StoredImage.read("\(FixtureTopic.folder)/files/corrupt/wrong_extension_png.jpg")
    #expect((image.width, image.height) == (23, 17))
  }
}
