package hospital.flink;

import java.nio.file.Path;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint;
import org.apache.flink.table.gateway.SqlGateway;

/**
 * The job manager of a Flink cluster and its SQL gateway in one JVM. The task managers are others.
 *
 * <p>Usage as of {@link Server}.
 */
public final class Master {
    private Master() {}

    public static void main(String[] args) throws Exception {
        Configuration conf = GlobalConfiguration.loadConfiguration(args[0]);
        new StandaloneSessionClusterEntrypoint(conf).startCluster();
        Resumption.of(Path.of(args[1]), conf);
        SqlGateway.main(new String[0]);
    }
}
