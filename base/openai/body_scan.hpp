// The walk over one JSON body: the cursor, what it found so far, and why it stopped.
#pragma once

#include "json_cursor.hpp"
#include "penstock/openai/facts.hpp"
#include "request_fields.hpp"

#include <array>
#include <optional>

namespace penstock::openai {

class body_scan {
 public:
    // `body` is valid UTF-8; `ascii`: all of it is.
    body_scan(std::string_view body, bool ascii, dialect spoken, const scan_limits& limits);

    stage_result<request_facts> run(bool model_from_path);

 private:
    static constexpr std::size_t prefix_bytes = 2048;

    bool member(const json_string& key);
    bool read_field(const field_row& row, json_type type);
    void note_strip(byte_range value, std::uint32_t cut_begin);
    bool read_model();
    bool read_stream_options();
    bool read_include_usage();
    bool read_copies(const field_row& row);
    bool read_max_tokens(const field_row& row);
    bool read_count(const field_row& row, std::uint64_t least, std::uint64_t& count);
    bool read_metadata();
    bool read_hash(std::uint64_t& hash);
    void finish_facts();

    bool read_messages();
    bool read_inputs();
    bool read_input_list();
    bool read_documents();
    bool read_tools();
    bool read_content();
    bool read_content_object();
    bool read_kind(std::uint8_t& media);
    bool read_all_text();
    bool read_tool_text();
    bool read_text();
    void add_text(const json_string& string);

    // The name, decoded where it is escaped; cut off where it is longer than any that is read.
    std::string_view name_of(const json_string& key);
    bool refuse(errc code, std::string_view field, std::string_view what);
    refusal why() const;

    bool ascii_;
    json_cursor cursor_;
    scan_limits limits_;
    request_facts facts_;
    std::optional<refusal> refused_;

    std::uint64_t seen_ = 0;   // bits of fields met
    std::uint64_t given_ = 0;  // the same, but for those that are null
    std::uint64_t cache_key_hash_ = 0;
    bool kept_member_ = false;        // one before this one is not cut out
    bool strip_takes_comma_ = false;  // the last cut reaches over the next comma, if one comes
    std::array<char, longest_field> name_;
    std::size_t prefix_size_ = 0;
    std::array<char, prefix_bytes> prefix_;
};

}  // namespace penstock::openai
