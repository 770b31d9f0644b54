/*
 * log/log_policy.h - where events go, and in which form. Filled by config/.
 */
#ifndef LOG_LOG_POLICY_H
#define LOG_LOG_POLICY_H

enum log_format { LOG_ECS_JSON };

enum log_target_kind { LOG_TO_STDOUT, LOG_TO_FILE };

struct log_target {
    enum log_target_kind kind;
    const char *path; /* LOG_TO_FILE: absolute */
};

struct log_policy {
    enum log_format format;
    const struct log_target *targets;
    unsigned target_count;
};

#endif
