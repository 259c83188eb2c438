;;; mokapot.el --- Mokapot's language server for .prototxt files -*- lexical-binding: t -*-
;; Emacs 29 or newer, with its own eglot. In init.el: (load "/path/to/mokapot.el")

(define-derived-mode prototxt-mode prog-mode "Prototxt"
  "Networks and solvers of Caffe."
  (setq-local comment-start "# "))

(add-to-list 'auto-mode-alist '("\\.prototxt\\'" . prototxt-mode))

(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs '(prototxt-mode . ("mokapot" "lsp"))))

(add-hook 'prototxt-mode-hook #'eglot-ensure)

(provide 'mokapot)
;;; mokapot.el ends here
