package hospital.spark;

import java.nio.ByteBuffer;

/** Confluent's wire format: a zero byte, a 4-byte schema id, the Avro data. */
final class Wire {
    static final int HEADER_BYTES = 5;

    private Wire() {}

    static boolean isFramed(byte[] value) {
        return value != null && value.length > HEADER_BYTES && value[0] == 0;
    }

    static int id(byte[] value) {
        return ByteBuffer.wrap(value).getInt(1);
    }
}
