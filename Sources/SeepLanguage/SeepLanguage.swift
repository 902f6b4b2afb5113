// SeepLanguage
