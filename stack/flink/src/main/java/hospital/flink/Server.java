package hospital.flink;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.table.gateway.SqlGateway;

/**
 * A Flink cluster and its SQL gateway in one JVM.
 *
 * <p>Usage: {@code Server <configuration folder> <folder of the deployed statements>}. A cluster has no
 * jobs when it starts, so each deployed statement is resumed from its newest checkpoint. The gateway
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
        MiniCluster cluster = new MiniCluster(shape);
        cluster.start();
        List<Deployed> statements = statements(Path.of(args[1]));
        for (Deployed statement : statements) {
            statement.resume(conf);
        }
        for (Deployed statement : statements) {
            statement.awaitRestored(cluster, conf);
        }
        SqlGateway.main(new String[0]);
    }

    private static List<Deployed> statements(Path folder) throws IOException {
        List<Deployed> found = new ArrayList<>();
        if (Files.isDirectory(folder)) {
            try (var folders = Files.newDirectoryStream(folder, Files::isDirectory)) {
                for (Path path : folders) {
                    // A folder that is still being written ends in .new: pipeline/engines/store.py.
                    if (!path.getFileName().toString().endsWith(".new") && Files.exists(path.resolve("plan.json"))) {
                        found.add(new Deployed(path));
                    }
                }
            }
        }
        return found;
    }
}
