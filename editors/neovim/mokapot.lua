-- Mokapot's language server for .prototxt files, for Neovim 0.8 or newer. Put this file into ~/.config/nvim/plugin/.
vim.filetype.add({ extension = { prototxt = 'prototxt' } })

if vim.lsp.config then
  -- Neovim 0.11 or newer.
  vim.lsp.config('mokapot', { cmd = { 'mokapot', 'lsp' }, filetypes = { 'prototxt' } })
  vim.lsp.enable('mokapot')
else
  vim.api.nvim_create_autocmd('FileType', {
    pattern = 'prototxt',
    callback = function()
      vim.lsp.start({ name = 'mokapot', cmd = { 'mokapot', 'lsp' } })
    end,
  })
end
