package hospital.flink;

import java.nio.file.Path;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.table.gateway.SqlGateway;

/**
 * A Flink cluster and its SQL gateway in one JVM.
 *
 * <p>Usage: {@code Server <configuration folder> <folder of the deployed statements>}. The gateway
 * starts last: once it answers, every job is there.
 */
public final class Server {
    private Server() {}

    public static void main(String[] args) throws Exception {
        Configuration conf = GlobalConfiguration.loadConfiguration(args[0]);
        MiniClusterConfiguration shape =
                new MiniClusterConfiguration.Builder()
                        .setConfiguration(conf)
                        .setNumSlotsPerTaskManager(conf.get(TaskManagerOptions.NUM_TASK_SLOTS))
                        .build();
        new MiniCluster(shape).start();
        Resumption.of(Path.of(args[1]), conf);
        SqlGateway.main(new String[0]);
    }
}
