setlocal commentstring=#\ %s
setlocal shiftwidth=2 softtabstop=2 expandtab
setlocal formatprg=seep\ fmt\ -
setlocal makeprg=seep\ check\ %
setlocal errorformat=%E%trror[%.%#]:\ %m,%W%tarning[%.%#]:\ %m,%I%tote[%.%#]:\ %m,%C%\\s%#┌─\ %f:%l:%c,%-G%.%#
