// Boost.Interprocess: a message_queue in shared memory.
#include "peer.h"

#include <boost/interprocess/ipc/message_queue.hpp>

#include <string>
#include <unistd.h>

using boost::interprocess::message_queue;

static message_queue *queue;

static void prepare(const peer_options_t *options)
{
    const std::string name = "xipc-bench-" + std::to_string(getpid());
    queue = new message_queue(boost::interprocess::create_only, name.c_str(), options->capacity,
                              options->size);
    // the mapping stays, and what a killed run would leave behind is gone
    message_queue::remove(name.c_str());
}

static void work(const bench_side_t *side)
{
    static unsigned char message[PEER_MESSAGE_MAX];
    for (uint64_t i = 0; i < side->messages; i++) {
        message_queue::size_type size;
        unsigned priority;
        if (side->is_reader)
            queue->receive(message, sizeof message, size, priority);
        else
            queue->send(message, side->size, 0);
    }
}

int main(int argc, char **argv)
{
    return peer_main(argc, argv, prepare, work, 0);
}
