/**
 * @file xipc.h
 * @brief All of xipc: processes, connections, queues, process pools and managers for C.
 *
 * @mainpage xipc Python's `multiprocessing`, for C, on APR. Every header stands for one concept and
 * can be included alone; this one includes them all.
 */
#ifndef XIPC_H
#define XIPC_H

#include "xipc/connection.h"
#include "xipc/copied.h"
#include "xipc/errno.h"
#include "xipc/export.h"
#include "xipc/family.h"
#include "xipc/listener.h"
#include "xipc/manager.h"
#include "xipc/process.h"
#include "xipc/process_pool.h"
#include "xipc/program.h"
#include "xipc/queue.h"
#include "xipc/runtime.h"
#include "xipc/shared_memory.h"
#include "xipc/values.h"
#include "xipc/version.h"
#include "xipc/wait.h"

#endif
