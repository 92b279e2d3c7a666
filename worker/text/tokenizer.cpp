// The steps from text to token ids, in the order of `tokenizers`: added tokens, normalization,
// added tokens that want it, pieces, merges.
#include "worker/text/tokenizer.hpp"

#include "worker/text/nfc.hpp"
#include "worker/text/tokenizer_state.hpp"
#include "worker/text/unicode_classes.hpp"
#include "worker/text/utf8.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <fstream>
#include <system_error>

namespace penstock::worker {
namespace {

constexpr std::uintmax_t file_bytes_max = 256 * 1024 * 1024;
constexpr std::size_t json_depth_max = 32;

error refuse(std::string what) {
    return {errc::invalid_value, "tokenizer.json: " + std::move(what)};
}

// Calls `text` for each stretch that no added token takes and `token` for each that one does.
template <class Text, class Token>
void split_at(
    const std::vector<added_match>& matches, std::size_t size, const Text& text, const Token& token
) {
    std::size_t at = 0;
    for (const added_match& match : matches) {
        if (at < match.begin) text(at, match.begin);
        token(match.id);
        at = match.end;
    }
    if (at < size) text(at, size);
}

// The part of the ranges that lies in [begin, end), counted from `begin`.
std::vector<user_range> within(
    std::span<const user_range> users, std::size_t begin, std::size_t end
) {
    std::vector<user_range> inside;
    auto at = std::partition_point(users.begin(), users.end(), [begin](const user_range& each) {
        return each.end <= begin;
    });
    for (; at != users.end() && at->begin < end; ++at) {
        const std::size_t from = std::max(at->begin, begin), to = std::min(at->end, end);
        if (from < to) inside.push_back({from - begin, to - begin});
    }
    return inside;
}

}  // namespace

tokenizer::tokenizer(std::unique_ptr<const state> from) noexcept : state_(std::move(from)) {}
tokenizer::tokenizer(tokenizer&&) noexcept = default;
tokenizer& tokenizer::operator=(tokenizer&&) noexcept = default;
tokenizer::~tokenizer() = default;

result<tokenizer> tokenizer::parse(std::string_view text) {
    namespace json = boost::json;
    json::monotonic_resource memory;
    json::parse_options options;
    options.max_depth = json_depth_max;
    json::error_code failed;
    const json::value document = json::parse({text.data(), text.size()}, failed, &memory, options);
    if (failed) return refuse("is not JSON: " + failed.message());
    TRY(const tokenizer_source source, read_tokenizer_json(document));
    unicode_classes::get();  // built now, not on the first request
    TRY(std::unique_ptr<const state> made, state::build(source));
    return tokenizer(std::move(made));
}

result<tokenizer> tokenizer::load(const std::filesystem::path& folder) {
    const std::filesystem::path file = folder / "tokenizer.json";
    std::error_code failed;
    const std::uintmax_t size = std::filesystem::file_size(file, failed);
    if (failed) return error{errc::invalid_value, file.string() + ": " + failed.message()};
    if (size > file_bytes_max) return refuse("is larger than 256 MiB");
    std::string text(static_cast<std::size_t>(size), '\0');
    std::ifstream in(file, std::ios::binary);
    if (!in.read(text.data(), static_cast<std::streamsize>(text.size())))
        return error{errc::invalid_value, file.string() + ": could not be read"};
    return parse(text);
}

namespace {

// One text on its way; what it needs is kept from piece to piece.
template <class State>
class encoding {
 public:
    encoding(const State& with, std::vector<token_id>& out) : with_(with), out_(out) {}

    void encode(std::string_view text, std::span<const user_range> users) {
        std::vector<added_match> matches;
        with_.raw.find(text, users, matches);
        split_at(
            matches,
            text.size(),
            [&](std::size_t begin, std::size_t end) {
                normalize(text.substr(begin, end - begin), users, begin);
            },
            [&](token_id id) { out_.push_back(id); }
        );
    }

 private:
    // `begin`: where `text` lies in what `users` count in.
    void normalize(std::string_view text, std::span<const user_range> users, std::size_t begin) {
        std::vector<user_range> inside;
        if (!with_.normalized.empty()) inside = within(users, begin, begin + text.size());
        if (!with_.nfc || !may_need_nfc(text)) return find_normalized(text, inside);
        moved_ranges moved(inside);
        const std::string changed = to_nfc(text, moved);
        find_normalized(changed, moved.finish(changed.size()));
    }

    void find_normalized(std::string_view text, std::span<const user_range> users) {
        if (with_.normalized.empty()) return cut(text);
        std::vector<added_match> matches;
        with_.normalized.find(text, users, matches);
        split_at(
            matches,
            text.size(),
            [&](std::size_t begin, std::size_t end) { cut(text.substr(begin, end - begin)); },
            [&](token_id id) { out_.push_back(id); }
        );
    }

    void cut(std::string_view text) {
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = piece_end(with_.pattern, text, at);
            with_.model->encode(text.substr(at, end - at), space_, out_);
            at = end;
        }
    }

    const State& with_;
    std::vector<token_id>& out_;
    merge_space space_;
};

}  // namespace

void tokenizer::encode(
    std::string_view text, std::span<const user_range> users, std::vector<token_id>& out
) const {
    constexpr std::size_t bytes_a_token = 3;  // about
    out.reserve(out.size() + text.size() / bytes_a_token);
    const std::vector<user_range> some = within(users, 0, text.size());
    encoding<state> work(*state_, out);
    if (valid_utf8_prefix(text) == text.size()) return work.encode(text, some);
    moved_ranges moved(some);
    const std::string valid = replace_broken_utf8(text, moved);
    work.encode(valid, moved.finish(valid.size()));
}

std::span<const token_id> tokenizer::prefix() const noexcept {
    return state_->prefix;
}

std::span<const token_id> tokenizer::suffix() const noexcept {
    return state_->suffix;
}

std::uint32_t tokenizer::size() const noexcept {
    return state_->texts.size();
}

std::size_t tokenizer::longest() const noexcept {
    return state_->texts.longest();
}

std::string_view tokenizer::bytes(token_id id) const noexcept {
    return state_->texts.text(id);
}

bool tokenizer::is_special(token_id id) const noexcept {
    const auto at = static_cast<std::size_t>(id);
    return id >= 0 && at < state_->special.size() && state_->special[at];
}

std::optional<token_id> tokenizer::find(std::string_view text) const noexcept {
    const auto& added = state_->added;
    const auto found = std::lower_bound(
        added.begin(),
        added.end(),
        text,
        [](const auto& entry, std::string_view wanted) { return entry.first < wanted; }
    );
    if (found != added.end() && found->first == text) return found->second;
    const token_id id = state_->by_text->find(text);
    if (id == token_texts::none) return std::nullopt;
    return id;
}

}  // namespace penstock::worker
