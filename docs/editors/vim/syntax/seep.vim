if exists("b:current_syntax") | finish | endif

syntax keyword seepStatement let var fn return break continue raise assert defer use as with
syntax keyword seepConditional if else match
syntax keyword seepRepeat for in while
syntax keyword seepException try catch
syntax keyword seepOperatorWord and or not
syntax keyword seepConstant none true false
syntax match seepNumber "\<\d[0-9_]*\(\.\d[0-9_]*\)\?\([eE][+-]\?\d\+\)\?\>"
syntax match seepNumber "\<0x[0-9a-fA-F_]\+\>\|\<0o[0-7_]\+\>\|\<0b[01_]\+\>"
syntax match seepFunction "\(\<fn\s\+\)\@<=\k\+"
syntax match seepOperator "=>\||>\|>>\|\.\.=\?"
syntax match seepExpect "#\s*\(expect\( near\| error\| exit\)\?\|skip\).*$"
syntax match seepComment "#.*$" contains=seepExpect
syntax match seepDocumentation "##.*$"
syntax match seepEscape "\\\(u{\x\+}\|.\)\|{{\|}}" contained
syntax region seepHole matchgroup=seepEscape start="{" end="}" contained contains=TOP
syntax region seepString start=+"+ skip=+\\"+ end=+"+ oneline contains=seepEscape,seepHole
syntax region seepString start=+"""+ end=+"""+ contains=seepEscape,seepHole

highlight default link seepStatement Statement
highlight default link seepConditional Conditional
highlight default link seepRepeat Repeat
highlight default link seepException Exception
highlight default link seepOperatorWord Operator
highlight default link seepOperator Operator
highlight default link seepConstant Constant
highlight default link seepNumber Number
highlight default link seepFunction Function
highlight default link seepComment Comment
highlight default link seepExpect SpecialComment
highlight default link seepDocumentation SpecialComment
highlight default link seepEscape SpecialChar
highlight default link seepString String

let b:current_syntax = "seep"
