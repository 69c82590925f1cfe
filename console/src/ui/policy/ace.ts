/** Ace as the content security policy lets it run, loaded with the first editor. */
import ace from "ace-builds/src-noconflict/ace";
import "ace-builds/src-noconflict/ext-language_tools";
import "ace-builds/src-noconflict/mode-json";
import "ace-builds/src-noconflict/theme-cloud_editor";
import "ace-builds/src-noconflict/theme-cloud_editor_dark";
import "ace-builds/css/ace.css";
import "ace-builds/css/theme/cloud_editor.css";
import "ace-builds/css/theme/cloud_editor_dark.css";

import type { Ace } from "ace-builds";

ace.config.set("useStrictCSP", true);
ace.config.set("loadWorkerFromBlob", false);

/** The module for Cloudscape's code editor; `made` is told of the editor that it makes. */
export function withEditor(made: (editor: Ace.Editor) => void): typeof import("ace-builds") {
  return {
    ...ace,
    edit(...given: Parameters<typeof ace.edit>) {
      const editor = ace.edit(...given);
      editor.getSession().setUseWorker(false);
      editor.getSession().setTabSize(2);
      made(editor);
      return editor;
    },
  } as typeof import("ace-builds");
}
