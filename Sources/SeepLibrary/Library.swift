// Everything Seep code can call, in one place.
import SeepLanguage

/// The library every session starts with.
public enum SeepLibrary {
  public static var library: Library {
    CoreLibrary.library
      + Library(
        creationBuiltins + elementwiseBuiltins + reductionBuiltins + shapingBuiltins + derivativeBuiltins + treeBuiltins
          + linearAlgebraBuiltins + layerBuiltins
          + modelBuiltins + onnxBuiltins + capturedBuiltins + optimiserBuiltins + minimizeBuiltins + dataBuiltins
          + fileBuiltins
          + pictureBuiltins + tableBuiltins + plotBuiltins
          + leakageBuiltins + seepNames + helpBuiltins,
        constants: dtypeConstants, rule: ShapeRules.rule)
  }

  /// The codes of everything this language and library report.
  public static var explanations: Explanations { Explanations(library: Explanation.engine + Explanation.leakage) }
}
