package hospital.spark;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/**
 * How far this JVM's tasks have read, committed every second to a consumer group, where everybody sees
 * the lag. Nobody reads on from there: that is what Spark's checkpoint is for, which is up to a minute
 * older.
 */
final class Positions {
    private static final Map<String, Positions> BY_GROUP = new ConcurrentHashMap<>();

    private final Map<TopicPartition, Long> next = new ConcurrentHashMap<>();
    private final Map<TopicPartition, OffsetAndMetadata> committed = new HashMap<>();
    private final Admin admin;
    private final String group;

    private Positions(Map<String, String> kafka, String group) {
        this.admin = Admin.create(new HashMap<>(kafka));
        this.group = group;
        ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(task -> {
            Thread thread = new Thread(task, "positions-" + group);
            thread.setDaemon(true);
            return thread;
        });
        clock.scheduleWithFixedDelay(this::commit, 1, 1, TimeUnit.SECONDS);
        // So that a job which has caught up and ends is not a second behind for ever.
        Runtime.getRuntime().addShutdownHook(new Thread(this::commit));
    }

    static Positions of(Map<String, String> kafka, String group) {
        Positions known = BY_GROUP.get(group);
        return known == null ? BY_GROUP.computeIfAbsent(group, name -> new Positions(kafka, name)) : known;
    }

    void passed(String topic, int partition, long offset) {
        next.put(new TopicPartition(topic, partition), offset + 1);
    }

    private synchronized void commit() {
        Map<TopicPartition, OffsetAndMetadata> changed = new HashMap<>();
        next.forEach((partition, offset) -> changed.put(partition, new OffsetAndMetadata(offset)));
        changed.entrySet().removeAll(committed.entrySet());
        if (changed.isEmpty()) {
            return;
        }
        try {
            admin.alterConsumerGroupOffsets(group, changed).all().get(5, TimeUnit.SECONDS);
            committed.putAll(changed);
        } catch (ExecutionException | java.util.concurrent.TimeoutException e) {
            // A broker that is away: the next second commits what is true by then.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
