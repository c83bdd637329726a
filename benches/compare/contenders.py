"""All jobs, and who does them."""

import clouds
import files
import poses
import transport

CONTENDERS = clouds.CONTENDERS | files.CONTENDERS | poses.CONTENDERS | transport.CONTENDERS
