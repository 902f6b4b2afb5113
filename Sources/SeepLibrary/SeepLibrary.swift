// SeepLibrary
