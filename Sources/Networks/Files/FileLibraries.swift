// The libraries behind the readers of files.
import CImages

public enum FileLibraries {
  /// By name, with their versions.
  public static var versions: [(name: String, version: String)] {
    [
      ("libpng", String(cString: seep_png_version())), ("libjpeg", String(cString: seep_jpeg_version())),
      ("zlib", String(cString: seep_zlib_version())),
    ]
  }
}
