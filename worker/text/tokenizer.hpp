// Byte-level BPE as tokenizer.json describes it, with the same ids as Hugging Face's `tokenizers`.
#pragma once

#include "penstock/result.hpp"
#include "worker/ops/tensor.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::worker {

// A stretch of text, [begin, end) in bytes, that a user wrote: no added token is read in it.
struct user_range {
    std::size_t begin = 0, end = 0;
};

class tokenizer {
 public:
    // From tokenizer.json. Errors: invalid_value for anything that this executor does not do
    // exactly as Hugging Face, with its path in the file
    // ("pre_tokenizer.pretokenizers[0].pattern").
    static result<tokenizer> parse(std::string_view json);
    static result<tokenizer> load(const std::filesystem::path& folder);
    tokenizer(tokenizer&&) noexcept;
    tokenizer& operator=(tokenizer&&) noexcept;
    ~tokenizer();

    // Appends the ids of the text, which is UTF-8; invalid bytes are read as U+FFFD. Added tokens
    // are matched outside of `users` (ascending, disjoint) only, also those that are not `special`:
    // what some models call their role markers. Without the post-processor's tokens. O(n log n).
    // Thread-safe.
    void encode(
        std::string_view text, std::span<const user_range> users, std::vector<token_id>& out
    ) const;
    // What the post-processor puts before and after (Hugging Face's add_special_tokens=true).
    std::span<const token_id> prefix() const noexcept;
    std::span<const token_id> suffix() const noexcept;

    // Ids from 0 to here; the output of a model may be wider.
    std::uint32_t size() const noexcept;
    // Bytes of a token; an added token's are its text. Empty for an id without a token.
    std::string_view bytes(token_id id) const noexcept;
    bool is_special(token_id id) const noexcept;
    std::size_t longest() const noexcept;  // token, in bytes
    // The added token or vocabulary entry with exactly this text.
    std::optional<token_id> find(std::string_view text) const noexcept;

 private:
    struct state;
    explicit tokenizer(std::unique_ptr<const state> from) noexcept;
    std::unique_ptr<const state> state_;
};

}  // namespace penstock::worker
