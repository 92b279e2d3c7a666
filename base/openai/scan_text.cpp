// One pass over a request body: the text, pictures, sounds and token ids that a model will see.
#include "body_scan.hpp"
#include "json_text.hpp"

#include <algorithm>

namespace penstock::openai {
namespace {

constexpr std::uint8_t has_image = 1;
constexpr std::uint8_t has_audio = 2;

std::uint8_t media_of(std::string_view kind) noexcept {
    if (kind == "image_url" || kind == "image" || kind == "input_image" || kind == "video_url")
        return has_image;
    if (kind == "input_audio" || kind == "audio_url") return has_audio;
    return 0;
}

}  // namespace

bool body_scan::read_messages() {
    return cursor_.elements([this] {
        ++facts_.num_messages;
        return read_content();
    });
}

// Text, a list of texts, a list of token ids, or a list of such lists; items of a conversation
// (Responses) are not inputs of their own.
bool body_scan::read_inputs() {
    const json_type type = cursor_.peek();
    if (type == json_type::array) return read_input_list();
    if (type == json_type::string && facts_.spoken != dialect::responses) ++facts_.num_inputs;
    return read_content();
}

bool body_scan::read_input_list() {
    const bool separate = facts_.spoken != dialect::responses;
    bool ids_here = false;
    const auto inner = [this] {
        if (cursor_.peek() != json_type::number) return read_content();
        ++facts_.token_ids;
        return cursor_.skip();
    };
    const bool whole = cursor_.elements([&] {
        const json_type type = cursor_.peek();
        if (type == json_type::number) {
            ids_here = true;
            ++facts_.token_ids;
            return cursor_.skip();
        }
        facts_.num_inputs += separate;
        return type == json_type::array ? cursor_.elements(inner) : read_content();
    });
    facts_.num_inputs += ids_here;
    return whole;
}

bool body_scan::read_documents() {
    return cursor_.elements([this] {
        ++facts_.num_inputs;
        return read_content();
    });
}

bool body_scan::read_tools() {
    return cursor_.elements([this] {
        ++facts_.num_tools;
        return read_tool_text();
    });
}

bool body_scan::read_content() {
    switch (cursor_.peek()) {
        case json_type::string:
            return read_text();
        case json_type::array:
            return cursor_.elements([this] { return read_content(); });
        case json_type::object:
            return read_content_object();
        default:
            return cursor_.skip();
    }
}

bool body_scan::read_content_object() {
    std::uint8_t media = 0;
    const bool whole = cursor_.members([&](const json_string& key) {
        content_role role;
        if (!find_content(name_of(key), role)) return cursor_.skip();
        switch (role) {
            case content_role::content:
                return read_content();
            case content_role::all_text:
                return read_all_text();
            case content_role::kind:
                return read_kind(media);
            case content_role::image:
                media |= has_image;
                break;
            case content_role::audio:
                media |= has_audio;
                break;
        }
        return cursor_.skip();
    });
    facts_.num_images += (media & has_image) != 0;
    facts_.num_audio += (media & has_audio) != 0;
    return whole;
}

bool body_scan::read_kind(std::uint8_t& media) {
    if (cursor_.peek() != json_type::string) return cursor_.skip();
    json_string value;
    if (!cursor_.read(value)) return false;
    media |= media_of(cursor_.text(value));
    return true;
}

bool body_scan::read_all_text() {
    switch (cursor_.peek()) {
        case json_type::string:
            return read_text();
        case json_type::array:
            return cursor_.elements([this] { return read_all_text(); });
        case json_type::object:
            return cursor_.members([this](const json_string& key) {
                add_text(key);
                return read_all_text();
            });
        default:
            return cursor_.skip();
    }
}

bool body_scan::read_tool_text() {
    switch (cursor_.peek()) {
        case json_type::string: {
            json_string value;
            if (!cursor_.read(value)) return false;
            facts_.text.tools += value.size();
            return true;
        }
        case json_type::array:
            return cursor_.elements([this] { return read_tool_text(); });
        case json_type::object:
            return cursor_.members([this](const json_string& key) {
                facts_.text.tools += key.size();
                return read_tool_text();
            });
        default:
            return cursor_.skip();
    }
}

bool body_scan::read_text() {
    json_string value;
    if (!cursor_.read(value)) return false;
    add_text(value);
    return true;
}

void body_scan::add_text(const json_string& string) {
    const std::string_view raw = cursor_.text(string);
    if (ascii_)
        count_ascii(string, facts_.text);
    else
        count_text(raw, string, facts_.text);
    const std::size_t room = prefix_.size() - prefix_size_;
    char* const to = prefix_.data() + prefix_size_;
    prefix_size_ += string.escaped() ? decode_string(raw, to, room) : raw.copy(to, room);
}

}  // namespace penstock::openai
