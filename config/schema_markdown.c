/*
 * config/schema_markdown.c - docs/configuration.md from schema.def and code.def.
 */
#include "config/schema_markdown.h"

#include <string.h>

#include "config/report.h"
#include "config/value.h"

static const char introduction[] =
    "# Configuration\n"
    "\n"
    "<!-- Generated: postern schema --markdown. Change config/schema.def or "
    "config/code.def instead. -->\n"
    "\n"
    "One YAML file, `/etc/postern/postern.yaml` unless `--config` says otherwise. "
    "`postern check` finds all mistakes in one\n"
    "run and needs no network; `postern run` refuses what `check` refuses, in the same "
    "words. `postern show-config` prints\n"
    "the settings in force and where each comes from. For completion in an editor, put "
    "the output of `postern schema` in a\n"
    "file and name it in the first line: `# yaml-language-server: "
    "$schema=/path/to/postern.schema.json`.\n"
    "\n"
    "The language is a strict part of YAML 1.2. Types come from this page, never from "
    "the look of a value: `NO` is text, `010`\n"
    "is ten. There are no anchors, aliases, tags, merge keys or further documents, so "
    "a value that begins with `*` needs\n"
    "quotes: `\"*:443\"`. A name may stand once in a block.\n"
    "\n"
    "* **Durations** carry a unit: `500ms`, `30s`, `15m`, `8h`, `7d`. **Sizes** too: "
    "`128B`, `64KiB`, `128MiB`, `1GiB`.\n"
    "* **Lists**: where \"or a list\" is written, one value stands for a list of one.\n"
    "* **Keys** are named, never written: `file:/path`, or `credential:NAME` for what "
    "systemd hands over with `LoadCredential=`\n"
    "  (`$CREDENTIALS_DIRECTORY/NAME`, outside the service "
    "`/run/credentials/postern.service/NAME`).\n"
    "* **Paths** that are relative count from the folder of the file in which they "
    "stand.\n"
    "* **Applications** are presets, `postern show-application` lists them. They lie "
    "with the mitigations in\n"
    "  `../share/postern` beside the folder of the program, in `$POSTERN_DATA`, or "
    "where "
    "`applications` and `mitigations`\n"
    "  say, and are checked with the main file.\n"
    "* What is not written is the safe value. What is unsafe is long, and `check` says "
    "so.\n";

/* The setting whose values are such blocks. */
static const struct setting *
find_value_of(enum block_id block)
{
    int id = 0;

    while (schema_value_block(schema_setting((enum setting_id)id)->type) != block)
        id++;
    return schema_setting((enum setting_id)id);
}

/* "listeners.NAME.publish.HOST", as messages spell it. */
static void
print_path(enum block_id block, FILE *to)
{
    static const char *const keyed[] = {
        [KEYED_BY_ITSELF] = "",
        [KEYED_BY_NAMES] = ".NAME",
        [KEYED_BY_HOSTS] = ".HOST",
        [KEYED_BY_PREFIXES] = ".PREFIX",
        [KEYED_BY_RULES] = ".ID",
        [KEYED_BY_PARAMETERS] = ".NAME",
        [KEYED_BY_MITIGATIONS] = ".ID",
    };
    const struct setting *setting = schema_block(block);

    if (setting->block == BLOCK_NONE)
        setting = find_value_of(block);
    if (setting->block != BLOCK_FILE && setting->block != BLOCK_MITIGATION_FILE) {
        print_path(setting->block, to);
        putc('.', to);
    }
    fprintf(to, "%s%s", setting->key, keyed[setting->keyed]);
}

static void
print_range(const struct setting *setting, FILE *to)
{
    char low[VALUE_PRINT_BYTES], high[VALUE_PRINT_BYTES];
    struct bytes rest = bytes_of_string(setting->detail);

    if (setting->high > setting->low && setting->type != TYPE_FLAG)
        fprintf(to, ", %s to %s", value_print(setting->type, setting->low, low),
            value_print(setting->type, setting->high, high));
    if (setting->type == TYPE_CHOICE)
        for (const char *between = ": "; rest.length > 0; between = ", ") {
            struct bytes word = value_cut_word(&rest);

            fprintf(to, "%s`%.*s`", between, BYTES_ARG(word));
        }
    if (schema_takes_list(setting))
        fputs(", or a list", to);
    if (setting->count == COUNT_EACH)
        fputs(", for each header field", to);
    if (setting->count == COUNT_NAMED)
        fputs(", for each parameter", to);
}

static void
print_setting(const struct setting *setting, FILE *to)
{
    const char *tick = schema_has_value(setting) ? "`" : "";

    fprintf(to, "| `%s` | %s", setting->key, schema_type_name(setting->type));
    print_range(setting, to);
    if (setting->initial == NULL)
        fputs(" | **required**", to);
    else
        fprintf(to, " | %s%s%s", tick, setting->initial, tick);
    fprintf(to, " | %s%s |\n", setting->text,
        setting->needs_restart ? " Changes with a restart." : "");
}

static void
print_block(enum block_id block, FILE *to)
{
    const struct setting *row = schema_block(block);
    bool headed = false;

    fputs("\n## ", to);
    if (block == BLOCK_FILE) {
        fputs("The file", to);
    } else if (block == BLOCK_MITIGATION_FILE) {
        fputs("The file of mitigations", to);
    } else {
        putc('`', to);
        print_path(block, to);
        putc('`', to);
    }
    fprintf(to, "\n\n%s\n", row->text);
    for (int id = 0; id < SETTING_COUNT; id++) {
        const struct setting *setting = schema_setting((enum setting_id)id);

        if (setting->block != block || setting->type == TYPE_BLOCK)
            continue;
        if (!headed)
            fputs("\n| setting | type | default | meaning |\n"
                  "| --- | --- | --- | --- |\n",
                to);
        headed = true;
        print_setting(setting, to);
    }
}

static void
print_codes(FILE *to)
{
    static const char *const severities[] = { "note", "warning", "error" };

    fputs("\n## Messages of `check`\n\n"
          "`file:line:col: severity: text [CODE]`, the line, the underlining, a hint; "
          "sorted by place, one message for one\n"
          "mistake. Exit 0: usable, 1: not usable, 2: wrong usage. `--strict` makes "
          "errors of warnings, `--format json` is for\n"
          "machines.\n\n"
          "| code | severity | meaning | what to do |\n| --- | --- | --- | --- |\n",
        to);
    for (int code = 0; code < CODE_COUNT; code++)
        fprintf(to, "| %s | %s | %s | %s |\n", code_name((enum code)code),
            severities[code_severity((enum code)code)], code_meaning((enum code)code),
            code_remedy((enum code)code));
}

void
schema_print_markdown(FILE *to)
{
    fputs(introduction, to);
    for (int block = BLOCK_NONE + 1; block < BLOCK_COUNT; block++)
        print_block((enum block_id)block, to);
    print_codes(to);
}
