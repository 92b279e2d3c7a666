// A whole model folder: tiny random weights, a tokenizer of bytes, a chat template.
#pragma once

#include "support/tiny_checkpoint.hpp"
#include "worker/api/tiny_text.hpp"

namespace penstock::worker::test {

class tiny_folder {
 public:
    explicit tiny_folder(const penstock::test::tiny_spec& spec = {}) {
        using penstock::test::write_text;
        write_tiny_checkpoint(path(), spec);
        write_text(path() / "tokenizer.json", tokenizer_json());
        write_text(path() / "chat_template.jinja", template_text);
        write_text(path() / "tokenizer_config.json", R"({"eos_token":"<|im_end|>"})");
        write_text(path() / "generation_config.json", R"({"eos_token_id":[258,256]})");
    }
    std::filesystem::path path() const { return folder_.path() / "tiny-model"; }

 private:
    penstock::test::temporary_folder folder_;
};

}  // namespace penstock::worker::test
