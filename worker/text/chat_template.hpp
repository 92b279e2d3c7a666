// The chat template of a model's folder: a conversation to the text of a prompt.
//
// The language is the subset of Jinja that Hugging Face's templates use, with Hugging Face's
// environment: trim_blocks, lstrip_blocks, loop controls, `tojson` of json.dumps.
#pragma once

#include "penstock/result.hpp"
#include "worker/text/template_limits.hpp"
#include "worker/text/tokenizer.hpp"

#include <boost/json.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::worker {

// A rendered prompt. `users` says which stretches came from the conversation and not from the
// template, so that a user's "<|im_end|>" stays text.
struct rendered_prompt {
    std::string text;
    std::vector<user_range> users;  // ascending, disjoint
};

class chat_template {
 public:
    // `constants` are names that every rendering sees (bos_token, eos_token …); strings among them
    // are the template's own. Errors: invalid_value, with the line of the template.
    static result<chat_template> parse(
        std::string_view source, boost::json::object constants, const template_limits& limits = {}
    );
    // chat_template.jinja, else `chat_template` of tokenizer_config.json (a text, or a list of
    // named ones of which "default" is taken). Errors: invalid_value; also when the folder has
    // none.
    static result<chat_template> load(
        const std::filesystem::path& folder, const template_limits& limits = {}
    );
    // Whether the folder has one, without reading it as a template: a `chat_template` of null is
    // none. Errors: invalid_value for a tokenizer_config.json where none can be looked for.
    static result<bool> exists(const std::filesystem::path& folder);
    chat_template(chat_template&&) noexcept;
    chat_template& operator=(chat_template&&) noexcept;
    ~chat_template();

    // `values`: messages, tools, add_generation_prompt and whatever the request's
    // chat_template_kwargs name. Errors: context_length_exceeded when the prompt, or one string on
    // the way to it, has more bytes than `output_bytes`; invalid_value, with the text of
    // raise_exception or what the template could not do with this conversation. Thread-safe.
    result<rendered_prompt> render(const boost::json::object& values) const;

    std::size_t output_bytes() const noexcept;  // as the limits said

    // Arguments of tool calls in the history are given as an object (true) or as the JSON text that
    // the client sent; found out by rendering a conversation with each.
    bool wants_argument_objects() const noexcept;

 private:
    struct state;
    explicit chat_template(std::unique_ptr<const state> from) noexcept;
    std::unique_ptr<const state> state_;
};

}  // namespace penstock::worker
