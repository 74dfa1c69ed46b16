import { words } from './words.js'

/**
 * Functions of pg_catalog, in all releases from 14 on, that change nothing: no row, no sequence,
 * no setting, no lock, and that run no SQL given to them. Not those whose names applications give to
 * functions of their own, such as log(): a name is all that a text shows.
 */
export const HARMLESS_FUNCTIONS: ReadonlySet<string> = new Set(
  words(`
    ${/* aggregates and window functions */ ''}
    array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp cume_dist
    dense_rank every first_value json_agg json_object_agg jsonb_agg jsonb_object_agg lag last_value
    lead max min mode nth_value ntile percent_rank percentile_cont percentile_disc range_agg
    range_intersect_agg rank regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope
    regr_sxx regr_sxy regr_syy row_number stddev stddev_pop stddev_samp string_agg sum var_pop
    var_samp variance xmlagg
    ${/* numbers */ ''}
    abs acos asin atan atan2 cbrt ceil ceiling cos cosh cot degrees div exp factorial floor gcd lcm
    ln log10 min_scale mod pi power radians random round scale sign sin sinh sqrt tan tanh
    trim_scale trunc width_bucket
    ${/* strings and binary strings */ ''}
    ascii bit_count bit_length btrim char_length character_length chr concat concat_ws
    convert convert_from convert_to decode encode format get_bit get_byte initcap left length like
    lower lpad ltrim md5 octet_length overlay parse_ident quote_ident quote_literal quote_nullable
    regexp_match regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table repeat
    replace reverse right rpad rtrim set_bit set_byte sha224 sha256 sha384 sha512 split_part
    starts_with string_to_array string_to_table strpos substr substring to_ascii to_hex translate unistr
    upper
    ${/* dates and times */ ''}
    age clock_timestamp date date_bin date_part date_trunc isfinite justify_days justify_hours
    justify_interval make_date make_interval make_time make_timestamp make_timestamptz now overlaps
    statement_timestamp timeofday timezone to_char to_date to_number to_timestamp
    transaction_timestamp
    ${/* arrays, ranges, rows and sets */ ''}
    array_append array_cat array_dims array_fill array_length array_lower array_ndims
    array_position array_positions array_prepend array_remove array_replace array_to_string
    array_upper cardinality daterange generate_series generate_subscripts int4range int8range
    isempty lower_inc lower_inf multirange num_nonnulls num_nulls numrange range_merge
    trim_array tsrange tstzrange unnest upper_inc upper_inf
    ${/* JSON and XML */ ''}
    array_to_json json_array_elements json_array_elements_text json_array_length json_build_array
    json_build_object json_each json_each_text json_extract_path json_extract_path_text json_object
    json_object_keys json_populate_record json_populate_recordset json_strip_nulls json_to_record
    json_to_recordset json_typeof jsonb_array_elements jsonb_array_elements_text
    jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text
    jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_keys
    jsonb_path_exists jsonb_path_match jsonb_path_query jsonb_path_query_array
    jsonb_path_query_first jsonb_populate_record jsonb_populate_recordset jsonb_pretty jsonb_set
    jsonb_set_lax jsonb_strip_nulls jsonb_to_record jsonb_to_recordset jsonb_typeof row_to_json
    to_json to_jsonb xpath xpath_exists
    ${/* text search; not ts_stat and ts_rewrite, which run SQL */ ''}
    array_to_tsvector numnode phraseto_tsquery plainto_tsquery querytree setweight to_tsquery
    to_tsvector ts_headline ts_rank ts_rank_cd tsvector_to_array websearch_to_tsquery
    ${/* networks, UUIDs, enums */ ''}
    enum_first enum_last enum_range gen_random_uuid hostmask inet_client_addr inet_client_port
    inet_server_addr inet_server_port masklen netmask
    ${/* the session and the catalog */ ''}
    col_description current_database current_query current_schema current_schemas current_setting
    currval format_type has_any_column_privilege has_column_privilege has_database_privilege
    has_function_privilege has_schema_privilege has_sequence_privilege has_table_privilege lastval
    obj_description pg_backend_pid pg_column_size pg_database_size pg_encoding_to_char
    pg_function_is_visible pg_get_constraintdef pg_get_expr pg_get_function_arguments
    pg_get_function_identity_arguments pg_get_function_result pg_get_functiondef pg_get_indexdef
    pg_get_keywords pg_get_partkeydef pg_get_ruledef pg_get_serial_sequence pg_get_triggerdef
    pg_get_userbyid pg_get_viewdef pg_has_role pg_index_column_has_property pg_indexes_size
    pg_is_in_recovery pg_relation_size pg_size_bytes pg_size_pretty pg_sleep pg_table_is_visible
    pg_table_size pg_total_relation_size pg_type_is_visible pg_typeof shobj_description
    to_regclass to_regnamespace to_regproc to_regprocedure to_regrole to_regtype version`),
)
