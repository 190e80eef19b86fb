//! Neovim: programs, not settings, so what to put into `init.lua` is printed. One of the two is enough.

use super::{Client, KEY, MODEL, Passage, Plan};

pub(super) const CLIENT: Client = Client {
    name: "neovim",
    title: "Neovim",
    programs: &["nvim"],
    folders: |home| vec![home.dot_config().join("nvim")],
    // The plugins use curl, as many others do.
    agents: &[],
    variable: None,
    plan: |_, address| {
        let llama = format!(
            "vim.g.llama_config = {{\n  endpoint_fim = \"{}\",\n  model_fim = \"{MODEL}\",\n  api_key = \"{KEY}\",\n}}\n",
            address.path("/infill")
        );
        let minuet = format!(
            "vim.env.WAYMARK_API_KEY = \"{KEY}\"\nrequire(\"minuet\").setup({{\n  provider = \
             \"openai_fim_compatible\",\n  n_completions = 1,\n  provider_options = {{\n    openai_fim_compatible = \
             {{\n      name = \"Waymark\",\n      end_point = \"{}\",\n      model = \"{MODEL}\",\n      api_key = \
             \"WAYMARK_API_KEY\",\n    }},\n  }},\n  virtualtext = {{\n    auto_trigger_ft = {{ \"*\" }},\n    keymap = \
             {{ accept = \"<A-A>\", accept_line = \"<A-a>\" }},\n  }},\n}})\n",
            address.path("/v1/completions")
        );
        Plan::by_hand(vec![
            Passage { heading: "with llama.vim, before it is loaded", text: llama },
            Passage { heading: "or with minuet-ai.nvim, which needs plenary.nvim", text: minuet },
        ])
        .note("older llama.vim calls the key `endpoint` instead of `endpoint_fim`")
    },
};
